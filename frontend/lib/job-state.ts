import type { Summary } from "@/lib/api"

export type Tone = "good" | "warn" | "bad" | "calm"

/** How a deployment stands, in one word that its phase refines while it is open or runs. */
export function standing(job: Pick<Summary, "state" | "phase" | "exit_code" | "endings">): string {
  if (job.state === "Open" || job.state === "Running") return job.phase
  if (job.state === "Disputed") return "disputed"
  if (job.endings.includes("JobDeclined")) return "declined"
  if (job.endings.includes("JobCancelled")) return "cancelled"
  if (job.endings.includes("JobCompleted")) return job.exit_code === 0 ? "done" : `failed (${job.exit_code})`
  return "ended"
}

export function toneOf(job: Pick<Summary, "state" | "phase" | "exit_code" | "endings">): Tone {
  if (job.phase === "failed" || job.endings.includes("JobDeclined")) return "bad"
  if (job.state === "Disputed") return "warn"
  if (job.state === "Running") return "good"
  if (job.endings.includes("JobCompleted")) return job.exit_code === 0 ? "good" : "bad"
  return job.state === "Open" ? "warn" : "calm"
}

export function isOver(state: string): boolean {
  return state === "Ended" || state === "Disputed" || state === "Closed"
}
