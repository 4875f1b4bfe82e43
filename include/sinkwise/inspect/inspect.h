#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sinkwise/inspect/inspection.h"
#include "sinkwise/pretrained/model.h"
#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::inspect {

struct WindowOptions {
  std::int64_t length = 512;  // tokens of a window, at least 2
  std::int64_t most = 32;     // windows
  Begin begin = Begin::tokenizer;
};

struct Windows {
  at::Tensor tokens;          // [N, T] int64
  at::Tensor special_inside;  // [N, T] bool: special tokens at later positions; or undefined
  TextFacts facts;
  std::vector<std::string> first_texts;  // of the first window's first tokens, for the maps
};

inline constexpr std::int64_t kMapTokens = 48;

// Cuts texts, one after the other, into windows that do not overlap; a rest is left out.
// BadArgument when not one window is filled.
Windows cut_windows(const tokenizer::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                    const WindowOptions& options);

struct InspectOptions {
  std::int64_t pruning_windows = 2;  // 0: no interventions
  std::int64_t random_orders = 3;
  std::uint64_t seed = 0;  // of the random orders
};

// done of total, in units of one layer over one window.
using Progress =
    std::function<void(std::int64_t done, std::int64_t total, const std::string& what)>;

// Walks the model layer by layer: each layer is read, used for all windows and let go, so the
// memory is that of one layer and of the windows' hidden states, whatever the size of the model.
// BadArgument when the windows are longer than the model's context.
Inspection inspect(const pretrained::Model& model, const Windows& windows,
                   const InspectOptions& options, const Progress& progress);

}  // namespace sinkwise::inspect
