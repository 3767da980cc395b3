"use client"

import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { cpus, mib, short } from "@/lib/format"
import { atMost, nearest, tokens } from "@/lib/money"
import { recordOf, type Offer } from "@/lib/offers"
import { t } from "@/texts/en"

const amount = (value: bigint | null | undefined) => (value == null ? "–" : tokens(nearest(value)))

const LINES: [string, (offer: Offer) => string][] = [
  [t.market.columns.cost, (offer) => (offer.cost === null ? "–" : atMost(offer.cost))],
  [t.market.columns.price, (offer) => amount(offer.prices?.cpuHour)],
  [t.market.columns.memoryPrice, (offer) => amount(offer.prices?.memoryGibHour)],
  [t.market.columns.hourPrice, (offer) => amount(offer.prices?.hour)],
  [t.market.columns.egressPrice, (offer) => amount(offer.prices?.egressGib)],
  [t.market.columns.free, ({ agent }) => `${cpus(agent.free.cpu_millis)} CPU, ${mib(agent.free.memory_mib)}`],
  [t.market.columns.location, (offer) => offer.region || "–"],
  [t.market.columns.runtimes, ({ agent }) => agent.runtimes.join(", ")],
  [t.market.columns.record, recordOf],
  [t.market.columns.running, ({ agent }) => String(agent.running)],
]

/** Chosen offers side by side. */
export function Comparison({ offers, onClear }: { offers: Offer[]; onClear: () => void }) {
  if (offers.length === 0) return null
  return (
    <Card title={t.market.compare} actions={<Button onClick={onClear}>{t.market.clear}</Button>}>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t.market.compare}>
        <table className="text-sm">
          <thead>
            <tr>
              <td />
              {offers.map(({ agent }) => (
                <th key={agent.agent} scope="col" className="px-3 py-1 text-left font-mono">
                  {short(agent.agent)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {LINES.map(([name, value]) => (
              <tr key={name}>
                <th scope="row" className="text-soft py-1 pr-3 text-left font-normal">
                  {name}
                </th>
                {offers.map((offer) => (
                  <td key={offer.agent.agent} className="px-3 py-1 tabular-nums">
                    {value(offer)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}
