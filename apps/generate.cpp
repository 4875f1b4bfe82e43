#include "sinkwise/pretrained/generate.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include <ATen/Parallel.h>

#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "sinkwise/core/cores.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;

struct Arguments {
  std::string model, adapter, prompt, begin = "auto", tokenizer;
  pretrained::GenerateOptions options;
  int threads = 0;
  bool special = false, json = false;
};

struct Prompt {
  std::vector<TokenId> ids;
  bool begins = false;  // with a BOS token that we put there
};

// Only what stands in front: a suffix would end the text that is to go on.
std::vector<TokenId> prefix_of(const Tokenizer& tokenizer, const std::string& begin) {
  if (begin == "never") return {};
  if (begin == "auto" || !tokenizer.prefix().empty()) return tokenizer.prefix();
  if (const auto id = tokenizer.begin_of_text()) return {*id};
  throw BadConfig(
      {"the tokenizer names no token that begins a text", "--bos", "auto or never", "always", ""});
}

Prompt encode(const Tokenizer& tokenizer, const Arguments& arguments) {
  const auto special =
      arguments.special ? tokenizer::SpecialText::control : tokenizer::SpecialText::plain;
  Prompt prompt{prefix_of(tokenizer, arguments.begin), false};
  prompt.begins = !prompt.ids.empty();
  const auto ids =
      tokenizer.encode(arguments.prompt, {.special_text = special, .add_special = false});
  prompt.ids.insert(prompt.ids.end(), ids.begin(), ids.end());
  if (!prompt.ids.empty()) return prompt;
  throw BadConfig({"the prompt has no tokens", "--prompt", "a text of at least one token",
                   "nothing", "give a text, or --bos always to begin with nothing"});
}

// Newlines and tabs stay; whatever else could drive a terminal becomes visible.
std::string shown(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\n\t"), text.size());
    result += printable(text.substr(0, end));
    if (end < text.size()) result += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

// Text as it comes, of the prompt and of what follows, in one stream: what a token stands for may
// depend on whether it is the first.
class Writer {
 public:
  Writer(const Tokenizer& tokenizer, bool print)
      : tokenizer_(tokenizer), stream_(tokenizer, {.skip_special = true}), print_(print) {}

  void push(TokenId id) {
    // A model may know more ids than its tokenizer has tokens for.
    if (tokenizer_.bytes(id)) write(stream_.push(id));
  }
  void finish() { write(stream_.finish()); }
  std::string take() { return std::exchange(text_, {}); }

 private:
  void write(const std::string& text) {
    text_ += text;
    if (print_ && !text.empty()) std::cout << shown(text) << std::flush;
  }

  const Tokenizer& tokenizer_;
  tokenizer::TextStream stream_;
  bool print_;
  std::string text_;
};

const char* stop_name(pretrained::Stop stop) {
  if (stop == pretrained::Stop::end_of_text) return "end_of_text";
  return stop == pretrained::Stop::context ? "context" : "tokens";
}

double tokens_per_second(const pretrained::Generated& generated) {
  const auto count = static_cast<double>(generated.ids.size());
  return generated.seconds > 0.0 ? count / generated.seconds : 0.0;
}

std::string summary(const pretrained::Generated& generated, std::int64_t context) {
  std::string line =
      concat(generated.ids.size(), " tokens, ", fixed(tokens_per_second(generated), 1),
             " tokens/s; prompt read in ", fixed(generated.prompt_seconds, 2), " s");
  if (generated.stop == pretrained::Stop::end_of_text) line += "; the model ended the text";
  if (generated.stop == pretrained::Stop::context) {
    line += concat("; stopped: the model's context of ", context, " tokens is full");
  }
  return line;
}

nlohmann::json to_json(const Arguments& arguments, const Prompt& prompt,
                       const pretrained::Generated& generated, const std::string& text) {
  return {{"model", printable(arguments.model)},
          {"prompt", arguments.prompt},
          {"prompt_ids", prompt.ids},
          {"bos", prompt.begins},
          {"generated_ids", generated.ids},
          {"text", text},
          {"stop", stop_name(generated.stop)},
          {"seed", arguments.options.seed},
          {"prompt_seconds", generated.prompt_seconds},
          {"seconds", generated.seconds},
          {"tokens_per_second", tokens_per_second(generated)}};
}

Tokenizer tokenizer_of(const pretrained::Model& model, const Arguments& arguments) {
  if (!arguments.tokenizer.empty()) return Tokenizer::load(arguments.tokenizer);
  return model.load_tokenizer(arguments.begin == "always");
}

// Without a temperature nothing is drawn.
void refuse_unused(const pretrained::SamplingOptions& sampling) {
  if (sampling.temperature > 0.0 || (sampling.top_k == 0 && sampling.top_p == 1.0)) return;
  throw BadConfig({"an option would do nothing", "--top-k, --top-p", "a --temperature above 0",
                   "temperature 0, which takes the likeliest token",
                   "give --temperature 0.8, or leave them out"});
}

int run(Arguments arguments) {
  at::set_num_threads(static_cast<int>(or_one_a_core(arguments.threads)));
  check(arguments.options.sampling);
  refuse_unused(arguments.options.sampling);
  const auto model =
      pretrained::Model::open(arguments.model, {.adapter = arguments.adapter, .conversion = {}});
  const Tokenizer tokenizer = tokenizer_of(model, arguments);
  const Prompt prompt = encode(tokenizer, arguments);
  pretrained::check_prompt(prompt.ids, model.config());
  arguments.options.vocabulary = tokenizer.vocabulary_size();
  arguments.options.end = model.end_tokens();
  if (const auto end = tokenizer.end_of_text()) arguments.options.end.push_back(*end);

  const pretrained::LoadedModel loaded(model);
  Console console;
  console.say(concat("prompt: ", prompt.ids.size(), " tokens, ", prompt.begins ? "with" : "without",
                     " a BOS token in front (--bos ", arguments.begin, ")"));
  Writer writer(tokenizer, !arguments.json);
  for (const TokenId id : prompt.ids) writer.push(id);
  writer.take();
  const auto generated = pretrained::generate(loaded, prompt.ids, arguments.options,
                                              [&](TokenId id) { writer.push(id); });
  writer.finish();
  if (arguments.json) {
    // Bytes that are no UTF-8 become U+FFFD: JSON has no other place for them.
    std::cout << to_json(arguments, prompt, generated, writer.take())
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::cout << std::endl;
  console.say(summary(generated, model.config().context_length));
  return kOk;
}

void declare(CLI::App& command, Arguments& a) {
  command
      .add_option("model", a.model,
                  "folder (config.json and safetensors), GGUF file, or checkpoint of llama2.c")
      ->required();
  command.add_option("--adapter", a.adapter, "folder of a LoRA adapter in PEFT's layout");
  command.add_option("--prompt", a.prompt, "the text to continue")->required();
  command.add_option("--tokens", a.options.tokens, "at most so many")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command.add_option("--temperature", a.options.sampling.temperature, "0: the likeliest token")
      ->capture_default_str();
  command.add_option("--top-k", a.options.sampling.top_k, "only the k likeliest tokens; 0: all")
      ->capture_default_str();
  command
      .add_option("--top-p", a.options.sampling.top_p,
                  "only the likeliest tokens that hold this share")
      ->capture_default_str();
  command.add_option("--seed", a.options.seed, "the same seed gives the same text")
      ->capture_default_str();
  command
      .add_option("--bos", a.begin,
                  "a beginning token before the prompt: auto (as the tokenizer does), always, "
                  "never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  command.add_flag("--special", a.special,
                   "names of control tokens in the prompt, such as <|im_start|>, mean the tokens");
  command.add_option("--tokenizer", a.tokenizer, "its file or folder, when not in the model's");
  add_threads(command, a.threads);
  command.add_flag("--json", a.json, "ids, text and times for programs, instead of the text");
}

}  // namespace

void add_generate(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand("generate", "let a published model continue a text");
  auto arguments = std::make_shared<Arguments>();
  declare(*command, *arguments);
  command->footer(
      "examples:\n"
      "  sinkwise generate SmolLM2-135M --prompt \"The old lighthouse\"\n"
      "  sinkwise generate model.gguf --prompt \"Once upon a time\" --temperature 0.8 --top-p 0.95 "
      "--seed 1");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
