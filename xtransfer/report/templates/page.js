"use strict";
// Sorts tables, filters them by target, language and family, and unfolds what is linked to or printed. Without it the
// page has the same content.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // sorting: up, down, then the order of the page
  const NUMBER = /^[<>+-]?(\d[\d,]*(\.\d+)?|\.\d+)(?![\w@])/;
  const text = (row, column) => {
    const cell = row.cells[column];
    return cell ? (cell.dataset.value ?? cell.textContent.trim()) : "";
  };
  const isEmpty = (value) => value === "" || value === "–" || value === "nan";
  const number = (value) => parseFloat(value.replace(/[<>+,]/g, ""));

  function sort(table, heading) {
    const column = heading.cellIndex;
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    const order = next[heading.getAttribute("aria-sort") ?? "none"];
    all("thead th", table).forEach((one) => one.removeAttribute("aria-sort"));
    if (order !== "none") heading.setAttribute("aria-sort", order);
    const bodies = [...table.tBodies];
    const rows = bodies.flatMap((body) => [...body.rows]).filter((row) => !row.matches(".group"));
    const values = rows.map((row) => text(row, column)).filter((value) => !isEmpty(value));
    const numeric = values.every((value) => NUMBER.test(value));
    const compare = (one, two) => (numeric ? number(one) - number(two) : one.localeCompare(two, "en", { numeric: true }));
    const sign = order === "descending" ? -1 : 1;
    for (const body of bodies) {
      const own = [...body.rows].filter((row) => !row.matches(".group"));
      own.forEach((row, place) => { row.dataset.place ??= place; });
      own.sort((first, second) => {
        const places = first.dataset.place - second.dataset.place;
        if (order === "none") return places;
        const [one, two] = [text(first, column), text(second, column)];
        return isEmpty(one) - isEmpty(two) || (isEmpty(one) ? 0 : sign * compare(one, two)) || places;
      });
      body.append(...own);
    }
  }

  for (const heading of all("thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading.closest("table"), heading));
    heading.append(button);
  }

  // a tap shows what a mouse finds in a tooltip
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.querySelector("main").append(tip);
  document.addEventListener("click", (event) => {
    const at = event.target.closest("td[title], .forest .interval");
    const found = at ? (at.getAttribute("title") ?? at.getAttribute("aria-label")) : "";
    tip.hidden = !found || (!tip.hidden && tip.textContent === found);
    tip.textContent = found;
  });

  // filters
  const form = document.getElementById("filters");
  const said = form.querySelector("output");
  const hint = said.textContent;

  function filter() {
    const wanted = ["target", "language", "family"].map((name) => [name, form.elements[name].value]);
    const fits = (one) => wanted.every(([name, value]) => !value || !(name in one.dataset) || one.dataset[name] === value);
    for (const one of all("[data-target], tbody [data-language]")) one.hidden = !fits(one);
    for (const table of all("table")) {
      const headings = all("thead th", table);
      const filtered = headings.filter((one) => "language" in one.dataset || "family" in one.dataset);
      if (!filtered.length) continue;
      const hidden = new Set(filtered.filter((one) => !fits(one)).map((one) => one.cellIndex));
      for (const row of table.rows) [...row.cells].forEach((cell, column) => { cell.hidden = hidden.has(column); });
      table.closest(".wide").hidden = hidden.size === filtered.length;
    }
    const chosen = wanted.filter(([, value]) => value).map(([name, value]) => `${name} ${value}`);
    form.classList.toggle("active", chosen.length > 0);
    const none = !all("#filters option[data-family]").some(fits);
    said.textContent = !chosen.length ? hint : none ? `No language fits ${chosen.join(", ")}.` : `Shown: ${chosen.join(", ")}.`;
  }

  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;

  // folding
  const folds = (open) => all("details.fold").forEach((one) => { one.open = open; });
  form.elements.unfold.addEventListener("click", () => folds(true));
  form.elements.fold.addEventListener("click", () => folds(false));
  const reveal = () => {
    const part = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = part && part.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  };
  addEventListener("hashchange", reveal);
  for (const link of all('a[href^="#"]')) link.addEventListener("click", () => setTimeout(reveal));
  reveal();
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    opened.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((one) => { one.open = false; }));
})();
