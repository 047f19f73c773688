"use strict";
// Sorting and filtering. The page is whole without it: the tools exist only where the script does.
(() => {
  const text = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.key ?? cell.textContent.trim();
  };
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return a.localeCompare(b, "en", { numeric: true });
  };

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = "Sort by " + head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row) => [text(row, column), row]);
        rows.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }

  function filterable(table) {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells];
    const tools = document.createElement("div");
    tools.className = "tools";
    const search = labelled("Filter", document.createElement("input"));
    search.control.type = "search";
    search.control.id = table.id + "-filter";
    tools.append(search.label);
    const states = heads.findIndex((head) => head.classList.contains("state"));
    let choice = null;
    if (states >= 0) {
      const values = [...new Set(rows.map((row) => row.cells[states].textContent.trim()))].sort();
      choice = labelled(heads[states].textContent, document.createElement("select"));
      choice.control.id = table.id + "-state";
      choice.control.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
      tools.append(choice.label);
    }
    const told = document.createElement("output");
    told.setAttribute("aria-live", "polite");
    tools.append(told);
    const apply = () => {
      const words = search.control.value.toLowerCase().split(/\s+/).filter(Boolean);
      const state = choice ? choice.control.value : "";
      let shown = 0;
      for (const row of rows) {
        const whole = row.textContent.toLowerCase();
        const fits =
          words.every((word) => whole.includes(word)) && (!state || row.cells[states].textContent.trim() === state);
        row.hidden = !fits;
        shown += fits;
      }
      told.textContent = `${shown} of ${rows.length} rows`;
    };
    search.control.addEventListener("input", apply);
    if (choice) choice.control.addEventListener("change", apply);
    apply();
    table.closest(".listing").before(tools);
  }

  function labelled(words, control) {
    const label = document.createElement("label");
    label.append(words, control);
    return { label, control };
  }

  for (const table of document.querySelectorAll("table")) {
    if (!table.tHead) continue;
    if (table.closest("[data-filtered]")) filterable(table);
    sortable(table);
  }
  // what is folded away is printed as well
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      one.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const one of document.querySelectorAll("details[data-printed]")) {
      one.open = false;
      delete one.dataset.printed;
    }
  });
})();
