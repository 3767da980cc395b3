import type { ReactNode } from "react"

const TONES = {
  good: "border-good text-good",
  warn: "border-warn text-warn",
  bad: "border-bad text-bad",
  calm: "border-line text-soft",
}

/** Something to know; what is urgent is read out at once. */
export function Notice({ tone = "calm", children }: { tone?: keyof typeof TONES; children: ReactNode }) {
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={`rounded-md border-l-4 px-3 py-2 text-sm ${TONES[tone]} bg-card`}
    >
      {children}
    </div>
  )
}
