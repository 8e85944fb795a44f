// Draws over the still charts. No network: the page's policy forbids it, and the loader refuses too.
(function () {
  "use strict";
  const refuse = { load: () => Promise.reject(new Error("no network")), sanitize: () => Promise.reject(new Error("no network")) };
  document.querySelectorAll("script[data-chart]").forEach(function (source) {
    const figure = document.getElementById(source.dataset.chart);
    const live = figure.querySelector(".live");
    const said = figure.querySelector(".said");
    const tooltip = function (_handler, _event, _item, value) {
      said.textContent = value == null ? "" : Object.entries(value).map((pair) => pair[0] + ": " + pair[1]).join("; ");
    };
    window.vegaEmbed(live, JSON.parse(source.textContent), {
      actions: false, ast: true, renderer: "svg", defaultStyle: false, loader: refuse, tooltip: tooltip,
    }).then(function () { figure.classList.add("drawn"); }, function () { live.textContent = ""; });
  });
})();
