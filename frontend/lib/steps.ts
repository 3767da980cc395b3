import type { Deployment, Transaction } from "@/lib/api"

/** A step of a deployment's life that the chain does not tell of. */
export interface Step {
  name: "published" | "funded" | "prepared" | "claimed" | "ran" | "closed"
  state: "done" | "now" | "ahead" | "failed"
  /** Unix seconds at which it was done, or began when it is going on. */
  at: number | null
  /** Seconds that it took, or takes so far. */
  took: number | null
}

type Shown = Pick<
  Deployment,
  "state" | "phase" | "since" | "ends_by" | "posted_at" | "attempts" | "runs" | "transactions" | "endings"
>

/** The life of a deployment, from the folder to its end, with what each part of it took. */
export function stepsOf(job: Shown, now: number): Step[] {
  const run = job.runs.at(-1)
  const claimedAt = run?.started_at ?? null
  const isOver = job.state !== "Open" && job.state !== "Running"
  const endedAt = isOver ? endOf(job) : null
  const isReopened = job.state === "Open" && job.attempts > 0 // its agent lapsed, and it waits for another
  const isClaimed = claimedAt !== null && !isReopened
  const step = (name: Step["name"], state: Step["state"], from: number | null, to: number | null): Step => ({
    name,
    state,
    at: state === "ahead" ? null : (to ?? from),
    took: from === null || state === "ahead" ? null : Math.max(0, (to ?? now) - from),
  })
  const preparedTo = isClaimed ? claimedAt : endedAt
  const wasPrepared = isClaimed ? "done" : isOver || job.phase === "failed" ? "failed" : "now"
  return [
    { name: "published", state: "done", at: null, took: null },
    { name: "funded", state: "done", at: job.posted_at, took: null },
    step("prepared", wasPrepared, isReopened ? job.since : startOf(job, isClaimed), preparedTo),
    step("claimed", isClaimed ? "done" : "ahead", null, claimedAt),
    step("ran", !isClaimed ? "ahead" : isOver ? "done" : "now", claimedAt, endedAt),
    step("closed", job.state === "Closed" ? "done" : isOver ? "now" : "ahead", endedAt, null),
  ]
}

/** Since when the run that goes on, or the last one, was prepared. */
function startOf(job: Shown, isClaimed: boolean): number {
  if (!isClaimed || job.attempts < 2) return job.posted_at
  return job.transactions.findLast((one) => one.event === "JobLapsed")?.at ?? job.posted_at
}

const ENDINGS = ["JobCompleted", "JobCancelled", "JobDeclined"]

/** By the chain's word, or by time alone; a dispute ends a run that goes on. */
function endOf({ transactions, ends_by, since }: Shown): number {
  const told = (names: string[]) => transactions.findLast((one) => names.includes(one.event))?.at
  return told(ENDINGS) ?? told(["JobDisputed"]) ?? ends_by ?? since
}

/** A transaction's event, or many of a kind that came one after the other as one line. */
export interface Row {
  one: Transaction
  more: number
}

const MANY = ["UsageReported", "Released"] // a run that goes on brings these all the time, in turns

/** The chain's events in order; of reports and payments with nothing else between them, the newest stands for all. */
export function rowsOf(transactions: Transaction[]): Row[] {
  const rows: Row[] = []
  let begun = 0 // where the reports and payments begin that the list ends with
  for (const one of transactions) {
    if (!MANY.includes(one.event)) {
      begun = rows.push({ one, more: 0 })
      continue
    }
    const known = rows.findIndex((row, index) => index >= begun && row.one.event === one.event)
    const more = known < 0 ? 0 : (rows.splice(known, 1)[0]?.more ?? 0) + 1
    rows.push({ one, more })
  }
  return rows
}
