"use strict";
// Values as words, and rows into tables. Strangers write much of what is shown here, so everything goes in as text,
// never as markup.

const TOKEN = 10n ** 18n;

function tokens(text) {
  const amount = BigInt(text);
  const rest = ((amount % TOKEN) * 1000000n) / TOKEN;
  return `${amount / TOKEN}.${rest.toString().padStart(6, "0")}`;
}

function ago(ms) {
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : new Date(ms).toLocaleString();
}

function short(text) {
  return text.length > 20 ? `${text.slice(0, 12)}…` : text;
}

function counted(of) {
  return Object.entries(of).map(([name, count]) => `${count} ${name}`).join(", ") || "none";
}

/** A share as a bar beside its words. */
function share(value, most, words) {
  return { value, most: Math.max(most, 1), words };
}

function fillCell(cell, one) {
  if (typeof one === "string") {
    cell.textContent = one;
    if (one.length > 42) cell.className = "long"; // it wraps; an address does not
    return;
  }
  const bar = document.createElement("meter");
  [bar.min, bar.max, bar.value] = [0, one.most, one.value];
  bar.setAttribute("aria-label", one.words);
  cell.append(bar, one.words);
}

function fill(id, rows, empty) {
  const made = rows.map(({ cells, style, title }) => {
    const row = document.createElement("tr");
    if (style) row.className = style;
    if (title) row.title = title;
    for (const one of cells) fillCell(row.insertCell(), one);
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement("tr");
    row.className = "empty";
    const cell = row.insertCell();
    [cell.textContent, cell.colSpan] = [empty, 9];
    made.push(row);
  }
  document.getElementById(id).replaceChildren(...made);
}

/** Terms and what is said of each: [name, words, class]. */
function describe(id, facts) {
  const parts = facts.flatMap(([name, words, style]) => {
    const [term, told] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, told.textContent, told.className] = [name, words, style ?? ""];
    return [term, told];
  });
  document.getElementById(id).replaceChildren(...parts);
}
