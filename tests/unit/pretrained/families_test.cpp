// The checkpoints of tests/fixtures/pretrained.
#include "unit/pretrained/families.h"

namespace sinkwise::pretrained {
namespace {

INSTANTIATE_TEST_SUITE_P(Tree, Families,
                         testing::ValuesIn(folders(test::pretrained_fixtures(),
                                                   {"gemma3", "gpt2", "gpt_neox", "gpt_oss",
                                                    "granite_swa", "llama", "llama3_rope",
                                                    "mistral", "qwen2", "qwen3", "qwen3_5",
                                                    "qwen3_next"})),
                         folder_name);

}  // namespace
}  // namespace sinkwise::pretrained
