import { Fact, Facts } from "@/components/ui/card"
import type { BundleReceipt } from "@/lib/api"
import { atMost } from "@/lib/money"
import { t } from "@/texts/en"

/** What posting it can cost, and who could take it. */
export function Estimate({ receipt }: { receipt: BundleReceipt }) {
  const { estimate } = receipt
  const failing = Object.entries(estimate.why_not)
  return (
    <div className="space-y-3">
      <Facts>
        <Fact name={t.post.most}>
          <strong className="tabular-nums">
            {atMost(receipt.deposit)} {t.common.tokens}
          </strong>
        </Fact>
        {estimate.cheapest !== null && (
          <Fact name={t.post.cheapest}>
            {atMost(estimate.cheapest)} {t.common.tokens}
          </Fact>
        )}
      </Facts>
      {estimate.agents_fitting > 0 ? (
        <p className="text-good text-sm">{t.post.fitting(estimate.agents_fitting)}</p>
      ) : (
        <div className="text-warn text-sm">
          <p>{t.post.nobody}</p>
          <ul className="list-disc pl-5">
            {failing.map(([what, count]) => (
              <li key={what}>{t.post.whyNot(count, what)}</li>
            ))}
          </ul>
        </div>
      )}
    </div>
  )
}
