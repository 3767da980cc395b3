import { Card } from "@/components/ui/card"
import { shareOfLargest, told, type Bar, type Measure } from "@/lib/spending"
import { t } from "@/texts/en"

/** How much of a measure by name, the largest first: each a row of text with its bar. */
export function NamesCard({ title, bars, measure }: { title: string; bars: Bar[]; measure: Measure }) {
  return (
    <Card title={title} className="min-w-0">
      {bars.length === 0 && <p className="text-soft text-sm">{t.common.none}</p>}
      <ol className="space-y-3 text-sm">
        {bars.map((bar) => (
          <li key={bar.key} data-bar={bar.key}>
            <div className="flex flex-wrap justify-between gap-x-4">
              <span className="min-w-0 [overflow-wrap:anywhere]">{bar.name}</span>
              <span className="ml-auto tabular-nums">
                <span data-fact="amount">{told(bar.amount, measure)}</span>{" "}
                <span className="text-soft">{t.usage.units[measure]}</span>
              </span>
            </div>
            <div className="bg-line/50 mt-1 h-2 overflow-hidden rounded-full" aria-hidden>
              <div
                className="bg-brand h-full min-w-1 rounded-full"
                style={{ width: `${shareOfLargest(bar, bars) * 100}%` }}
              />
            </div>
          </li>
        ))}
      </ol>
    </Card>
  )
}
