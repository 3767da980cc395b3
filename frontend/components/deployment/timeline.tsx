"use client"

import { TxLink } from "@/components/tx-link"
import { useNow } from "@/hooks/use-now"
import type { Deployment } from "@/lib/api"
import { at, duration, spaced } from "@/lib/format"
import { tokens } from "@/lib/money"
import { visible } from "@/lib/printable"
import { rowsOf, stepsOf, type Row, type Step } from "@/lib/steps"
import { t } from "@/texts/en"

const AMOUNTS = ["amount", "deposit", "earned", "refunded", "frozen", "to_consumer"]
const SIGNS: Record<Step["state"], [string, string]> = {
  done: ["✓", "text-good"],
  now: ["●", "text-brand"],
  ahead: ["○", "text-soft"],
  failed: ["✕", "text-bad"],
}

/** How far a deployment has come, on the chain and off it, with what each part took. */
export function Steps({ deployment }: { deployment: Deployment }) {
  const now = useNow()
  const steps = stepsOf(deployment, now === 0 ? deployment.since : Math.floor(now / 1000))
  return (
    <ol className="space-y-1.5 text-sm">
      {steps.map((step) => {
        const [sign, colour] = SIGNS[step.state]
        return (
          <li key={step.name} className="flex gap-2" data-step={step.name} data-state={step.state}>
            <span className={colour} aria-hidden>
              {sign}
            </span>
            <span className={step.state === "ahead" ? "text-soft" : ""}>
              {t.steps[step.name]}
              <span className="sr-only">: {t.steps.states[step.state]}</span>
              {step.state === "now" && step.name === "prepared" && (
                <span className="text-brand"> ({t.steps.phases[deployment.phase] ?? deployment.phase})</span>
              )}
              {step.state === "now" && step.name === "closed" && (
                <span className="text-soft">
                  {" "}
                  ({deployment.state === "Disputed" ? t.steps.court : t.steps.closing})
                </span>
              )}
              <span className="text-soft">
                {step.at !== null && step.state === "done" && ` ${at(step.at * 1000)}`}
                {step.took !== null && `, ${duration(step.took)}`}
              </span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}

/** What the chain has told of a job, in order, each with its transaction. */
export function Timeline({ deployment }: { deployment: Deployment }) {
  return (
    <ol className="border-line space-y-3 border-l pl-4">
      {rowsOf(deployment.transactions).map((row) => (
        <Entry key={`${row.one.tx_hash}-${row.one.event}-${row.one.data["attempt"] ?? ""}`} row={row} />
      ))}
    </ol>
  )
}

function Entry({ row: { one, more } }: { row: Row }) {
  const amount = AMOUNTS.map((name) => one.data[name]).find((value) => value !== undefined && value !== "0")
  const reason = one.data["reason"]
  return (
    <li data-event={one.event}>
      <div className="text-sm font-medium">
        {spaced(one.event)}
        {more > 0 && <span className="text-soft font-normal"> {t.steps.times(more + 1)}</span>}{" "}
        {amount && <span className="text-soft font-normal tabular-nums">{tokens(amount)}</span>}
      </div>
      {reason && <p className="text-sm break-words">{visible(reason)}</p>}
      <div className="text-soft flex flex-wrap items-center gap-x-3 text-xs">
        <time dateTime={new Date(one.at * 1000).toISOString()}>{at(one.at * 1000)}</time>
        <span>
          {t.tx.block} {one.block}
        </span>
        <TxLink hash={one.tx_hash} />
      </div>
    </li>
  )
}
