#pragma once

#include <limits>

#include "sinkwise/report/document.h"

namespace sinkwise::report {

// One block of each kind and one chart of each kind, with a gap in each of the data.
inline Document sample_document() {
  const double gap = std::numeric_limits<double>::quiet_NaN();
  const Axis step{"step"}, loss{"loss (nats)", std::pair(0.1, 10.0), true};
  const Chart line{"A line", step, loss, "Falls. From a made-up log.",
                   LineChart{{{"base", 0, {0, 1, 2}, {3, gap, 1}, {2.5, gap, 0.5}, {3.5, gap, 1.5}},
                              {"balanced", 1, {0, 2}, {3, 2}}}}};
  const Chart map{"A map",
                  {"head"},
                  {"layer"},
                  "Two layers.",
                  HeatMap{{"layer 1", "layer 2"}, {"0", "1"}, {{0.1, 0.9}, {gap, 0.4}}, "gate"}};
  const Chart bars{
      "Bars",
      {"head"},
      {"cost (nats)"},
      "Two heads.",
      BarChart{{"0", "1"}, {{"base", 0, {1, gap}, {0.1, 0.2}}, {"balanced", 1, {2, 3}}}}};
  const Chart steps{"Steps",
                    {"gate"},
                    {"share"},
                    "Four bins.",
                    Histogram{0, 1, {{"base", 0, {0.5, 0.25, 0.25, 0}}}}};
  const Chart points{"Points",
                     {"importance"},
                     {"cost (nats)"},
                     "Two points.",
                     Scatter{{{"base", 0, {0.1, 0.2}, {1, gap}, {"head 0", "head 1"}}}}};
  const Table table{"Numbers",
                    {{"arm"}, {"CV", Align::right, "spread over heads"}},
                    {{{"base"}, {"0.53", 0.53, Emphasis::strong, "give or take"}},
                     {{"balanced"}, {"0.01", 0.01}}}};
  return {
      .title = "A report",
      .subtitle = "Of nothing in particular",
      .provenance = {{"commit", "abc123"}, {"device", "cpu"}},
      .sections = {
          {"words",
           "Words",
           {Paragraph(
                {{"Plain, "}, {"strong", Emphasis::strong}, {" and "}, {"code", Emphasis::code}}),
            Heading{"Inside"}, Bullets{{"first", "second"}}, Code{"one --line\ntwo"},
            Verdicts{"Does it hold?",
                     "The number is larger than two.",
                     "larger than two",
                     {{"Three is", Status::holds, "3"},
                      {"One is", Status::does_not_hold, "1"},
                      {"Two is", Status::null, "2"},
                      {"Nothing is", Status::undecided, "none"}}},
            table}},
          {"charts",
           "Charts",
           {line, Grid{{map, bars, steps, points}},
            MapList{"head",
                    {"One of two",
                     {"key"},
                     {"row"},
                     "Two heads.",
                     HeatMap{{"0", "1"},
                             {"0", "1"},
                             {{1.0, gap}, {0.5, 0.5}},
                             "weight",
                             std::pair(0.0, 1.0)}},
                    {{"0.0", {{1.0, gap}, {0.5, 0.5}}}, {"0.1", {{1.0, gap}, {0.0, 1.0}}}}}}}}};
}

inline constexpr int kSampleCharts = 6;

}  // namespace sinkwise::report
