(function () {
  "use strict";

  // What all charts share; what differs travels with each figure.
  var INK = "#1f2328", QUIET = "#59636e", RULE = "#e4e8ec";
  var FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
  var AXIS = {
    gridcolor: RULE, zerolinecolor: RULE, linecolor: "#b6bec7", showline: true, zeroline: false,
    ticks: "outside", ticklen: 4, tickcolor: "#b6bec7", automargin: true, nticks: 6,
    tickfont: { color: QUIET, size: 11 }, title: { font: { color: QUIET, size: 12 }, standoff: 8 }
  };
  var SHARED = {
    font: { family: FONT, size: 12, color: INK },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 52, r: 12, t: 8, b: 44 }, bargap: 0.25, bargroupgap: 0.06, barmode: "group",
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
    hoverlabel: { bgcolor: "#ffffff", bordercolor: "#b6bec7", font: { family: FONT, size: 12, color: INK } },
    modebar: { bgcolor: "rgba(255,255,255,0.85)", color: QUIET, activecolor: INK },
    xaxis: AXIS, yaxis: AXIS
  };
  var CONFIG = {
    displaylogo: false, responsive: true, showLink: false, plotlyServerURL: "", topojsonURL: "",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]]
  };

  function merge(shared, own) {
    var result = JSON.parse(JSON.stringify(shared));
    Object.keys(own).forEach(function (key) {
      var both = result[key] && typeof result[key] === "object" && !Array.isArray(own[key]);
      result[key] = both ? merge(result[key], own[key]) : own[key];
    });
    return result;
  }

  function figureOf(name) { return JSON.parse(document.getElementById(name).textContent); }
  function plotOf(name) { return document.querySelector('.plot[data-figure="' + name + '"]'); }

  function draw(node) {
    var figure = figureOf(node.dataset.figure);
    return Plotly.newPlot(node, figure.data, merge(SHARED, figure.layout), CONFIG).then(function () {
      node.dataset.drawn = "true";
      node.dispatchEvent(new Event("drawn"));
    });
  }

  // What is chosen before its chart is there waits for it.
  function whenDrawn(node, action) {
    if (node.dataset.drawn) action();
    else node.addEventListener("drawn", action, { once: true });
  }

  // One chart a turn, from the top, so that the page can be read and scrolled meanwhile.
  var waiting = Array.prototype.slice.call(document.querySelectorAll(".plot"));
  function drawNext() {
    var node = waiting.shift();
    if (!node) {
      document.documentElement.dataset.ready = "true";
      return;
    }
    draw(node).catch(function (problem) {
      node.textContent = "This chart could not be drawn: " + problem.message + ". Its data are in the table below.";
    }).then(function () { setTimeout(drawNext, 0); });
  }
  drawNext();

  // Drawings have a fixed size in pixels; with a view box they shrink to the width of the paper.
  function eachDrawing(action) { document.querySelectorAll(".plot .main-svg").forEach(action); }
  window.addEventListener("beforeprint", function () {
    eachDrawing(function (svg) {
      svg.setAttribute("viewBox", "0 0 " + svg.getAttribute("width") + " " + svg.getAttribute("height"));
    });
  });
  window.addEventListener("afterprint", function () {
    eachDrawing(function (svg) { svg.removeAttribute("viewBox"); });
  });

  // Cells without a value come last in either direction.
  function compareCells(a, b, direction) {
    var x = a.dataset.key, y = b.dataset.key;
    if (x !== undefined && y !== undefined) return direction * (Number(x) - Number(y));
    if (x !== undefined || y !== undefined) return x !== undefined ? -1 : 1;
    return direction * a.textContent.localeCompare(b.textContent);
  }

  function sortBy(table, header) {
    var ascending = header.getAttribute("aria-sort") !== "ascending";
    var column = header.cellIndex, body = table.tBodies[0];
    Array.prototype.slice.call(body.rows).sort(function (a, b) {
      return compareCells(a.cells[column], b.cells[column], ascending ? 1 : -1);
    }).forEach(function (row) { body.appendChild(row); });
    table.querySelectorAll("thead th").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  }

  // One character a cell: 64 steps from 0 to 1, a point where there is no value.
  var STEPS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  function cellsOf(text, columns) {
    var rows = [];
    for (var at = 0; at < text.length; at += columns) {
      rows.push(text.slice(at, at + columns).split("").map(function (step) {
        return step === "." ? null : STEPS.indexOf(step) / 63;
      }));
    }
    return rows;
  }

  // The table of a map's data follows what is chosen.
  function fillTable(node, cells) {
    var rows = node.closest("figure").querySelector(".data tbody").rows;
    cells.forEach(function (row, at) {
      row.forEach(function (value, column) {
        rows[at].cells[column + 1].textContent = value === null ? "\u2013" : value.toFixed(2);
      });
    });
  }

  document.querySelectorAll(".chooser select").forEach(function (list) {
    var maps = figureOf(list.dataset.maps);
    list.addEventListener("change", function () {
      var node = plotOf(list.dataset.figure);
      var cells = cellsOf(maps[list.selectedIndex], Number(list.dataset.columns));
      whenDrawn(node, function () { Plotly.restyle(node, { z: [cells] }); });
      fillTable(node, cells);
    });
  });

  // Largest values first, empty cells last; hovering then says which column a cell came from.
  function sortedColumns(row) {
    return row.map(function (_, column) { return column; }).sort(function (a, b) {
      if (row[a] === null || row[b] === null) return (row[a] === null) - (row[b] === null) || a - b;
      return row[b] - row[a] || a - b;
    });
  }

  function sortRows(button) {
    var map = figureOf(button.dataset.figure).data[0];
    var sorted = button.getAttribute("aria-pressed") !== "true";
    var change = { z: [map.z], x: [map.x], text: [null], hovertemplate: map.hovertemplate };
    if (sorted) {
      var order = map.z.map(sortedColumns);
      var each = function (value) {
        return [order.map(function (columns, row) {
          return columns.map(function (column) { return value(row, column); });
        })];
      };
      change = {
        z: each(function (row, column) { return map.z[row][column]; }),
        text: each(function (row, column) { return map.x[column]; }),
        x: [map.x.map(function (_, rank) { return "#" + (rank + 1); })],
        hovertemplate: map.hovertemplate.replace("%{x}", "%{text}")
      };
    }
    var node = plotOf(button.dataset.figure);
    // Said again, or other names would let the library guess the type of the axis anew.
    whenDrawn(node, function () { Plotly.update(node, change, { "xaxis.type": "category" }); });
    button.setAttribute("aria-pressed", String(sorted));
  }

  document.querySelectorAll("button.sort").forEach(function (button) {
    button.addEventListener("click", function () { sortRows(button); });
  });

  document.querySelectorAll("table.sortable").forEach(function (table) {
    table.querySelectorAll("thead th").forEach(function (header) {
      header.querySelector("button").addEventListener("click", function () { sortBy(table, header); });
    });
  });
})();
