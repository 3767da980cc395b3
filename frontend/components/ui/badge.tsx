import type { ReactNode } from "react"

import type { Tone } from "@/lib/job-state"

const TONES: Record<Tone, string> = {
  good: "text-good border-good",
  warn: "text-warn border-warn",
  bad: "text-bad border-bad",
  calm: "text-soft border-line",
}

export function Badge({ tone = "calm", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={`inline-block rounded-full border px-2 py-0.5 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {children}
    </span>
  )
}
