#include "maps.h"

#include <algorithm>
#include <cmath>

#include "sinkwise/nn/score_scale.h"
#include "sinkwise/ops/geometry.h"

namespace sinkwise::inspect {

std::vector<HeadMap> maps_of(const nn::AttentionRecord& record, const nn::AttentionConfig& config,
                             std::int64_t layer, std::int64_t most) {
  const auto T = std::min(most, record.query.size(2)), H = record.query.size(1);
  const double scale = nn::score_scale(config);
  const at::Tensor query = record.query[0].narrow(1, 0, T);
  const at::Tensor key = record.key[0].repeat_interleave(H / record.key.size(1), 0).narrow(1, 0, T);
  const at::Tensor score = at::matmul(query * scale, key.transpose(1, 2));  // [H, T, T]
  const at::Tensor visible =
      ops::visible_keys({T, T, true, config.window, {}}, score.device()).select(0, 0);
  const at::Tensor weight = (score - record.lse[0].narrow(1, 0, T).unsqueeze(-1))
                                .masked_fill(visible.logical_not(), -INFINITY)
                                .exp()
                                .to(at::kDouble)
                                .contiguous();
  std::vector<HeadMap> maps;
  const double* data = weight.const_data_ptr<double>();
  for (std::int64_t h = 0; h < H; ++h) {
    HeadMap map{layer, h, {}};
    for (std::int64_t row = 0; row < T; ++row, data += T) map.weights.emplace_back(data, data + T);
    maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace sinkwise::inspect
