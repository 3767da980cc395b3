import { CopyText } from "@/components/ui/copy-text"
import type { Transaction } from "@/lib/api"
import { at } from "@/lib/format"
import { tokens } from "@/lib/money"

const AMOUNTS = ["amount", "deposit", "earned", "refunded"]

/** What the chain has told of a job, in order, each with its transaction. */
export function Timeline({ transactions }: { transactions: Transaction[] }) {
  return (
    <ol className="border-line space-y-3 border-l pl-4">
      {transactions.map((one, index) => {
        const amount = AMOUNTS.map((name) => one.data[name]).find((value) => value !== undefined && value !== "0")
        return (
          <li key={`${one.tx_hash}-${index}`} data-event={one.event}>
            <div className="text-sm font-medium">
              {words(one.event)}{" "}
              {amount && <span className="text-soft font-normal tabular-nums">{tokens(amount)}</span>}
            </div>
            <div className="text-soft flex flex-wrap gap-x-3 text-xs">
              <time dateTime={new Date(one.at * 1000).toISOString()}>{at(one.at * 1000)}</time>
              <span>block {one.block}</span>
              <CopyText text={one.tx_hash} />
            </div>
          </li>
        )
      })}
    </ol>
  )
}

/** `UsageReported` → `Usage reported`. */
function words(event: string): string {
  const spaced = event.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()
  return spaced.charAt(0).toUpperCase() + spaced.slice(1)
}
