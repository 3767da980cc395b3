"use strict";
// Strangers write much of what is shown here, so everything goes in as text, never as markup.

const EVERY_MS = 2000;
const TOKEN = 10n ** 18n;
const PAGES = { agents: "/v1/agents?limit=50", deployments: "/v1/deployments?limit=50" };
const cursors = { agents: "", deployments: "" };
const known = new Map(); // path -> the last answer and its tag: what did not change is not sent again
let timer = 0;

function tokens(text) {
  const amount = BigInt(text);
  const rest = ((amount % TOKEN) * 1000000n) / TOKEN;
  return `${amount / TOKEN}.${rest.toString().padStart(6, "0")}`;
}

function ago(ms) {
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
  return seconds < 60 ? `${seconds} s ago` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : new Date(ms).toLocaleString();
}

function fill(id, rows, empty) {
  const body = document.getElementById(id);
  const made = rows.map(({ cells, style }) => {
    const row = document.createElement("tr");
    if (style) row.className = style;
    for (const text of cells) row.insertCell().textContent = text;
    return row;
  });
  if (made.length === 0) {
    const row = document.createElement("tr");
    row.className = "empty";
    row.insertCell().textContent = empty;
    made.push(row);
  }
  body.replaceChildren(...made);
}

function figures(overview) {
  const { jobs, phases, chain, degraded } = overview;
  const counted = (of) => Object.entries(of).map(([name, count]) => `${count} ${name}`).join(", ") || "none";
  const facts = [
    ["Jobs", counted(jobs)],
    ["Waiting", counted(phases)],
    ["To be looked at now", String(overview.due)],
    ["Agents", `${overview.agents_live} live of ${overview.agents}`],
    ["Chain", chain.synced ? `read to block ${chain.read}` : `${chain.lag_blocks} blocks behind ${chain.head}: ${chain.fault}`],
  ];
  for (const [what, why] of Object.entries(degraded)) facts.push([`Degraded: ${what}`, why]);
  const parts = facts.flatMap(([name, value]) => {
    const [term, told] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, told.textContent] = [name, value];
    if (name.startsWith("Degraded")) told.className = "bad";
    return [term, told];
  });
  document.getElementById("market").replaceChildren(...parts);
}

function agentRow(agent) {
  const { capacity, free } = agent;
  return {
    style: agent.live ? "" : "gone",
    cells: [
      agent.agent,
      `${agent.live ? "" : "gone, "}${agent.draining ? "drained, " : ""}${ago(agent.last_seen_ms)}`,
      `${agent.cpu_percent.toFixed(0)} %`,
      `${agent.memory_used_mib} MiB`,
      `${free.cpu_millis / 1000} of ${capacity.cpu_millis / 1000} CPUs, ${free.memory_mib} of ${capacity.memory_mib} MiB`,
      String(agent.running),
    ],
  };
}

function deploymentRow(job) {
  return {
    style: job.phase === "failed" ? "bad" : "",
    cells: [`${job.job_id.slice(0, 12)}…`, job.name, job.state, job.phase, `${tokens(job.earned)} of ${tokens(job.deposit)}`, job.why],
  };
}

async function get(path) {
  const had = known.get(path);
  const answer = await fetch(path, { cache: "no-store", headers: had ? { "If-None-Match": had.tag } : {} });
  if (answer.status === 304) return had.body;
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  const tag = answer.headers.get("ETag");
  if (tag) known.set(path, { tag, body });
  if (known.size > 20) known.delete(known.keys().next().value);
  return body;
}

async function page(kind, row, empty) {
  const state = kind === "deployments" ? document.getElementById("state").value : "";
  const path = PAGES[kind] + (state && `&state=${state}`) + (cursors[kind] && `&cursor=${cursors[kind]}`);
  const found = await get(path);
  fill(kind, found.items.map(row), empty);
  const more = document.getElementById(`${kind}-more`);
  more.hidden = found.next === null && cursors[kind] === "";
  more.textContent = found.next === null ? "First page" : "Next page";
  more.onclick = () => turn(kind, found.next ?? "");
}

function turn(kind, cursor) {
  cursors[kind] = cursor;
  look();
}

async function look() {
  clearTimeout(timer);
  const health = document.getElementById("health");
  try {
    const overview = await get("/v1/overview");
    figures(overview);
    fill("copies", overview.copies.map((copy) => ({ cells: [copy.name, String(copy.agents), String(copy.working_on)] })), "None holds an agent or a job just now.");
    await page("agents", agentRow, "No agent has connected yet.");
    await page("deployments", deploymentRow, "Nothing to show.");
    const ready = await fetch("/readyz", { cache: "no-store" });
    if (!ready.ok) throw new Error((await ready.json()).detail ?? "not ready");
    health.textContent = `ready, as of ${new Date().toLocaleTimeString()}`;
    health.className = "good";
  } catch (error) {
    health.textContent = `stale: ${error.message}`;
    health.className = "bad";
  }
  clearTimeout(timer);
  timer = setTimeout(look, EVERY_MS);
}

document.getElementById("state").onchange = () => turn("deployments", "");
look();
