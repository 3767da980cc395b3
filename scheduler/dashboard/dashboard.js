"use strict";
// Strangers write much of what is shown here, so everything goes in as text, never as markup.

const EVERY_MS = 1000;
const TOKEN = 10n ** 18n;

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

function agentRow(agent) {
  const { capacity, free } = agent;
  return {
    style: agent.live ? "" : "gone",
    cells: [
      agent.agent,
      agent.live ? ago(agent.last_seen_ms) : `gone, ${ago(agent.last_seen_ms)}`,
      `${agent.cpu_percent.toFixed(0)} %`,
      `${agent.memory_used_mib} MiB`,
      `${free.cpu_millis / 1000} of ${capacity.cpu_millis / 1000} CPUs, ${free.memory_mib} of ${capacity.memory_mib} MiB`,
      String(agent.running),
    ],
  };
}

function deploymentRow(job) {
  const earned = job.runs.reduce((sum, run) => sum + BigInt(run.earned), 0n);
  return {
    style: job.phase === "failed" ? "bad" : "",
    cells: [`${job.job_id.slice(0, 12)}…`, job.name, job.state, job.phase, `${tokens(earned.toString())} of ${tokens(job.deposit)}`, job.why],
  };
}

async function get(path) {
  const answer = await fetch(path);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

async function look() {
  const health = document.getElementById("health");
  try {
    const [agents, deployments] = await Promise.all([get("/v1/agents"), get("/v1/deployments?limit=50")]);
    fill("agents", agents.items.map(agentRow), "No agent has connected yet.");
    fill("deployments", deployments.items.map(deploymentRow), "Nothing has been posted yet.");
    await get("/readyz");
    health.textContent = `ready, as of ${new Date().toLocaleTimeString()}`;
    health.className = "good";
  } catch (error) {
    health.textContent = `stale: ${error.message}`;
    health.className = "bad";
  }
  setTimeout(look, EVERY_MS);
}

look();
