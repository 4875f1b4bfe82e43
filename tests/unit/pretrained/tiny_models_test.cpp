// The larger checkpoints of $SINKWISE_DATA/models/tiny, which a developer may have.
#include "unit/pretrained/families.h"

namespace sinkwise::pretrained {
namespace {

INSTANTIATE_TEST_SUITE_P(Data, Families,
                         testing::ValuesIn(folders(test::data_folder().empty()
                                                       ? fs::path()
                                                       : test::data_folder() / "models/tiny",
                                                   {"gemma3", "gpt2", "gpt_neox", "gpt_oss",
                                                    "llama", "qwen3", "qwen3_5", "qwen3_next"})),
                         folder_name);

}  // namespace
}  // namespace sinkwise::pretrained
