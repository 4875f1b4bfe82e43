#include "formats.h"

#include <algorithm>

#include "python_text.h"
#include "sinkwise/core/python_space.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

// --- What several tasks share ---

// Every choice costs the model a row, so a file that was never a set must not ask for millions.
constexpr std::size_t kMostChoices = 64;

void check_count(const Fields& row, const char* name, std::size_t found) {
  if (found >= 2 && found <= kMostChoices) return;
  row.fail(name, concat("2 to ", kMostChoices, " choices"), concat(found));
}

// One context and several continuations, each after a space.
Question choose(const std::string& context, const std::vector<std::string>& choices,
                std::size_t label) {
  Question question;
  for (const std::string& choice : choices) {
    question.requests.push_back({context, " " + choice});
    question.lengths.push_back(characters(choice));
  }
  question.label = label;
  return question;
}

std::string question_answer(const std::string& question) {
  return "Question: " + question + "\nAnswer:";
}

// {"ctx", "endings", "label"}, with the context made a prompt.
template <typename Prompt>
Question plain(const Fields& row, Prompt prompt) {
  const auto endings = row.texts("endings");
  check_count(row, "endings", endings.size());
  return choose(prompt(row.text("ctx")), endings, row.choice("label", endings.size()));
}

std::string as_it_is(const std::string& text) { return text; }

Question read_multiple_choice(const Fields& row) { return plain(row, as_it_is); }

// --- HellaSwag ---

// re.sub("\\[.*?\\]", "", text): from each [ to the next ] of its line.
std::string without_brackets(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('['), text.size());
    kept += text.substr(0, open);
    text.remove_prefix(open);
    const std::size_t end = std::min(text.find_first_of("]\n"), text.size());
    const bool closed = end < text.size() && text[end] == ']';
    if (!closed) kept += text.substr(0, end);  // nothing on this line closes
    text.remove_prefix(closed ? end + 1 : end);
  }
  return kept;
}

// preprocess() of the harness: brackets are left over from WikiHow.
std::string cleaned(const std::string& raw) {
  const std::string text = replaced(stripped(raw), " [title]", ". ");
  return replaced(without_brackets(text), "  ", " ");
}

Question read_hellaswag(const Fields& row) {
  std::vector<std::string> endings = row.texts("endings");
  check_count(row, "endings", endings.size());
  for (std::string& ending : endings) ending = cleaned(ending);
  const std::string context = row.has("ctx_a")
                                  ? row.text("activity_label") + ": " + row.text("ctx_a") + " " +
                                        capitalized(row.text("ctx_b"))
                                  : row.text("ctx");
  return choose(cleaned(context), endings, row.choice("label", endings.size()));
}

// --- ARC and OpenBookQA ---

struct Answers {
  std::vector<std::string> texts, labels;
};

// A list of {"text", "label"} (as published), or {"text": [...], "label": [...]} (on the hub).
Answers answers_of(const Fields& holder) {
  Answers answers;
  if (holder.holds_object("choices")) {
    const Fields choices = holder.object("choices");
    answers = {choices.texts("text"), choices.texts("label")};
    if (answers.texts.size() != answers.labels.size()) {
      choices.fail("label", concat("as many as texts: ", answers.texts.size()),
                   concat(answers.labels.size()));
    }
  } else {
    for (const Fields& one : holder.objects("choices")) {
      answers.texts.push_back(one.text("text"));
      answers.labels.push_back(one.text("label"));
    }
  }
  check_count(holder, "choices", answers.texts.size());
  return answers;
}

// Rows with "answerKey": {"question": {"stem", "choices"}} or {`stem`, "choices"}.
Question read_science(const Fields& row, const char* stem,
                      std::string (*prompt)(const std::string&)) {
  if (row.has("ctx")) return plain(row, prompt);
  const bool nested = row.holds_object("question");
  const Fields holder = nested ? row.object("question") : row;
  const Answers answers = answers_of(holder);
  const std::string key(stripped(row.text("answerKey")));
  const auto at = std::find(answers.labels.begin(), answers.labels.end(), key);
  if (at == answers.labels.end()) {
    row.fail("answerKey", "one of " + printable(join(answers.labels)), printable(key));
  }
  return choose(prompt(holder.text(nested ? "stem" : stem)), answers.texts,
                static_cast<std::size_t>(at - answers.labels.begin()));
}

Question read_arc(const Fields& row) { return read_science(row, "question", question_answer); }

Question read_openbookqa(const Fields& row) { return read_science(row, "question_stem", as_it_is); }

// --- PIQA ---

Question read_piqa(const Fields& row) {
  if (row.has("ctx")) return plain(row, question_answer);
  return choose(question_answer(row.text("goal")), {row.text("sol1"), row.text("sol2")},
                row.choice("label", 2));
}

// --- WinoGrande ---

// Partial evaluation (Trinh and Le, 2018): the end of the sentence after each beginning.
Question read_winogrande(const Fields& row) {
  const std::string sentence = row.text("sentence");
  const std::size_t blank = sentence.find('_');
  if (blank == std::string::npos) row.fail("sentence", "a text with _", "none in it");
  const bool listed = row.has("options");
  const auto options = listed ? row.texts("options")
                              : std::vector<std::string>{row.text("option1"), row.text("option2")};
  check_count(row, "options", options.size());
  const std::string_view rest = stripped(std::string_view(sentence).substr(blank + 1));
  Question question;
  for (const std::string& option : options) {
    question.requests.push_back({sentence.substr(0, blank) + option, " " + std::string(rest)});
    question.lengths.push_back(characters(rest));
  }
  question.label = listed ? row.choice("label", options.size()) : row.choice("answer", 2, 1);
  return question;
}

// --- BLiMP ---

Question read_blimp(const Fields& row) {
  const bool published = row.has("sentence_good");
  Question question = choose("",
                             {row.text(published ? "sentence_good" : "good"),
                              row.text(published ? "sentence_bad" : "bad")},
                             0);
  question.group = row.text(published ? "UID" : "uid");
  return question;
}

// --- LAMBADA ---

Question read_lambada(const Fields& row) {
  Question question;
  if (row.has("ctx")) {
    question.requests = {{row.text("ctx"), row.text("target")}};
    const auto& [context, word] = question.requests.front();
    const bool apart = trailing_space(context) > 0 || stripped(word).data() != word.data();
    if (!apart) row.fail("target", "a space in front of the word, or behind ctx", printable(word));
  } else {
    const std::string text = row.text("text");
    const std::size_t space = text.rfind(' ');
    if (space == std::string::npos) row.fail("text", "at least two words", "one");
    question.requests = {{text.substr(0, space), text.substr(space)}};
  }
  question.lengths = {characters(question.requests.front().continuation)};
  return question;
}

}  // namespace

const std::vector<Reader>& readers() {
  const std::string science = "Question: {question}\\nAnswer: {choice}";
  static const std::vector<Reader> kReaders = {
      {{"arc_challenge", Kind::normalised_choices, science}, read_arc},
      {{"arc_easy", Kind::normalised_choices, science}, read_arc},
      {{"blimp", Kind::choices, "{prefix token} {sentence}"}, read_blimp},
      {{"hellaswag", Kind::normalised_choices, "{context} {ending}"}, read_hellaswag},
      {{"lambada", Kind::last_word, "{context} {word}"}, read_lambada},
      {{"multiple_choice", Kind::normalised_choices, "{context} {choice}"}, read_multiple_choice},
      {{"openbookqa", Kind::normalised_choices, "{question} {choice}"}, read_openbookqa},
      {{"piqa", Kind::normalised_choices, "Question: {goal}\\nAnswer: {solution}"}, read_piqa},
      {{"winogrande", Kind::choices, "{sentence to the option} {rest of the sentence}"},
       read_winogrande},
  };
  return kReaders;
}

}  // namespace sinkwise::eval
