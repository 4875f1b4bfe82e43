#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sinkwise/report/chart.h"

// A document of sections, tables and charts, without any idea of what it is about. Goals: one
// self-contained page that works offline, reads without a mouse and can be printed. Non-goals:
// layout control by the caller, editing, several output formats. All strings are plain UTF-8 text,
// trusted for nothing: the renderer escapes them.
namespace sinkwise::report {

enum class Emphasis { none, strong, code };

struct Span {
  std::string text;
  Emphasis emphasis = Emphasis::none;
};

struct Paragraph {
  std::vector<Span> spans;

  Paragraph(std::string text) : spans{{std::move(text)}} {}
  Paragraph(const char* text) : spans{{text}} {}
  Paragraph(std::vector<Span> parts) : spans(std::move(parts)) {}
};

// A title within a section.
struct Heading {
  std::string text;
};

struct Bullets {
  std::vector<Paragraph> items;
};

// Text to be copied as it stands, such as a command line.
struct Code {
  std::string text;
};

// null: measured, and no effect was found. undecided: the data do not suffice to say.
enum class Status { holds, does_not_hold, null, undecided };

struct Verdict {
  std::string subject;  // what the claim was tested on
  Status status = Status::undecided;
  std::string evidence;  // the numbers behind the status
};

// Answers to one question: a claim tested on several subjects. `rule` says how the status follows
// from the numbers.
struct Verdicts {
  std::string question;
  std::string claim;
  std::string rule;
  std::vector<Verdict> items;
};

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
  std::string help{};  // what the column means, with its unit
};

struct Cell {
  std::string text;
  std::optional<double> sort_key{};  // the column sorts by text where a cell has none
  Emphasis emphasis = Emphasis::none;
  std::string note{};  // a smaller second line, such as the spread below a mean
};

// Each row has as many cells as there are columns. The first column names the row.
struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
};

// Many heat maps of the same rows and columns, one at a time, chosen by name from a list. Values
// are kept in 64 steps between 0 and 1, which is all that a colour can tell; one that is not finite
// leaves its cell empty.
struct MapList {
  std::string label;  // of the list: "head"
  Chart first;        // a HeatMap with the range 0 to 1; what is seen before anything is chosen
  struct Map {
    std::string name;
    std::vector<std::vector<double>> values;  // [row][column], of the shape of the first
  };
  std::vector<Map> maps;
};

using Block =
    std::variant<Paragraph, Heading, Bullets, Code, Verdicts, Table, Chart, Grid, MapList>;

struct Section {
  std::string id;  // the anchor: letters, digits, '-' and '_'
  std::string title;
  std::vector<Block> blocks;
};

struct Document {
  std::string title;
  std::string subtitle;
  std::vector<std::pair<std::string, std::string>> provenance;  // in the order given
  std::vector<Section> sections;
};

}  // namespace sinkwise::report
