#include <limits>
#include <nlohmann/json.hpp>

#include "open.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

using tokenizer::TokenId;

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr char kName[] = "eos_token_id";

// eos_token_id is an id or a list of ids. One that no token can have ends nothing and is left out:
// some files say -1 for none.
void add_ids(const ConfigReader& config, std::vector<TokenId>& ids) {
  if (!config.has(kName)) return;
  const nlohmann::json& given = config.json().at(kName);
  const nlohmann::json list = given.is_array() ? given : nlohmann::json::array({given});
  for (const nlohmann::json& id : list) {
    if (!id.is_number_integer()) config.refuse(kName, "an id, or a list of ids");
    const auto value = id.get<std::int64_t>();
    if (value < 0 || value > std::numeric_limits<TokenId>::max()) continue;
    ids.push_back(static_cast<TokenId>(value));
  }
}

}  // namespace

std::vector<TokenId> end_tokens(const std::filesystem::path& path, const ConfigReader& config) {
  std::vector<TokenId> ids;
  const ConfigReader text = config.object("text_config");
  add_ids(config.has(kName) ? config : text, ids);
  if (!std::filesystem::is_directory(path)) return ids;
  const std::filesystem::path file = path / "generation_config.json";
  if (!std::filesystem::exists(file)) return ids;
  const std::string where = printable(file.string());
  add_ids({parse_json(read_file(file, kMaxBytes), where, kMaxBytes), where}, ids);
  return ids;
}

}  // namespace sinkwise::pretrained
