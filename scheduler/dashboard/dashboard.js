"use strict";
// Figures come by server-sent events, once a second; the lists are asked for with each of them, and sent only when
// they changed.

const STALE_MS = 5000;
const PAGES = { agents: "/v1/agents?limit=50", deployments: "/v1/deployments?limit=50" };
const cursors = { agents: "", deployments: "" };
const known = new Map(); // path -> the last answer and its tag: what did not change is not sent again
let heard = Date.now(); // of when the figures are that are shown
let why = "connecting again";
let fault = "no answer yet";
let looking = false;

function figures(overview, lag) {
  const { jobs, phases, chain } = overview;
  describe("market", [
    ["Jobs", counted(jobs)],
    ["Waiting", counted(phases)],
    ["To be looked at now", String(overview.due)],
    ["Agents", `${overview.agents_live} live of ${overview.agents}`],
    ["Chain", chain.synced ? `read to block ${chain.read}` : `${chain.lag_blocks} blocks behind ${chain.head}: ${chain.fault}`, chain.synced ? "" : "bad"],
    ["Event loop", `${lag} ms late at worst`, lag > 500 ? "bad" : ""],
  ]);
}

function healthOf(parts) {
  describe("parts", parts.map((one) => {
    const since = ago(1000 * one.since);
    const words = one.ok ? `well, since ${since}` : `${one.why} (since ${since}${one.needed ? "" : "; the rest goes on without it"})`;
    return [one.name, words, one.ok ? "good" : "bad"];
  }));
}

function queueRow(job) {
  return { title: job.job_id, style: job.phase === "failed" ? "bad" : "", cells: [short(job.job_id), job.name, job.phase, ago(1000 * job.since), job.why] };
}

function buildRow(build) {
  return { title: build.cid, cells: [short(build.cid), build.step, ago(build.since_ms)] };
}

function failureRow(one) {
  return { title: one.about, cells: [ago(one.at_ms), one.what, short(one.about), one.why] };
}

function agentRow(agent) {
  const { capacity, free, record } = agent;
  const cpus = (millis) => millis / 1000;
  return {
    style: agent.live ? "" : "gone",
    cells: [
      agent.agent,
      `${agent.live ? "" : "gone, "}${agent.draining ? "drained, " : ""}${ago(agent.last_seen_ms)}`,
      share(agent.cpu_percent, 100, `${agent.cpu_percent.toFixed(0)} %`),
      share(agent.memory_used_mib, Math.max(capacity.memory_mib, agent.memory_used_mib), `${agent.memory_used_mib} MiB`),
      `${cpus(free.cpu_millis)} of ${cpus(capacity.cpu_millis)} CPUs, ${free.memory_mib} of ${capacity.memory_mib} MiB`,
      String(agent.running),
      record ? `${record.completed} completed, ${record.lapsed} lapsed, ${record.disputes_lost} disputes lost` : "not registered",
    ],
  };
}

function deploymentRow(job) {
  const failed = job.phase === "failed" || (job.exit_code ?? 0) !== 0;
  return {
    title: job.job_id,
    style: failed ? "bad" : "",
    cells: [short(job.job_id), job.name, job.state, job.phase, `${tokens(job.earned)} of ${tokens(job.deposit)}`, job.why],
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
  lists();
}

async function lists() {
  if (looking) return;
  looking = true;
  try {
    await page("agents", agentRow, "No agent has connected yet.");
    await page("deployments", deploymentRow, "Nothing to show.");
  } catch (error) {
    fault = error.message;
  }
  looking = false;
}

function show(now) {
  figures(now.overview, now.loop_lag_ms);
  healthOf(now.parts);
  fill("queue", now.queue.map(queueRow), "Nothing waits.");
  const { length } = now.builds;
  document.getElementById("builds-counts").textContent = `${length} running and ${now.builds_waiting} waiting in this copy`;
  fill("builds", now.builds.map(buildRow), "No build runs here just now.");
  fill("failures", now.failures.map(failureRow), "None that is known of.");
  const copies = now.overview.copies.map((copy) => ({ cells: [copy.name, String(copy.agents), String(copy.working_on)] }));
  fill("copies", copies, "None holds an agent or a job just now.");
  const ill = now.parts.filter((one) => !one.ok);
  fault = ill.length ? `degraded: ${ill.map((one) => one.name).join(", ")}` : "";
}

/** Says when the page is of an earlier moment, however that came about. Told anew only when it changes. */
function tell() {
  const stale = Date.now() - heard > STALE_MS;
  const text = stale ? `stale: this is of ${new Date(heard).toLocaleTimeString()}; ${why}` : fault || "ready and live";
  const health = document.getElementById("health");
  if (health.textContent !== text) health.textContent = text;
  health.className = stale || fault ? "bad" : "good";
  document.body.classList.toggle("stale", stale);
}

function follow() {
  const source = new EventSource("/dashboard/events");
  const listen = (name, take) =>
    source.addEventListener(name, ({ data }) => {
      take(JSON.parse(data));
      tell();
      void lists();
    });
  const age = (seconds) => {
    heard = Date.now() - 1000 * seconds;
    why = seconds ? "the database is slow, or does not answer" : "connecting again";
  };
  listen("now", show);
  listen("age", ({ outdated_s }) => age(outdated_s));
  listen("fault", (told) => {
    fault = told.why;
    age(0);
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 2000); // refused: it does not try by itself
  });
}

document.getElementById("state").onchange = () => turn("deployments", "");
setInterval(tell, 1000);
follow();
