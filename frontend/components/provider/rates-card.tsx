"use client"

import { useState } from "react"

import { PriceFields } from "@/components/provider/price-fields"
import { Card } from "@/components/ui/card"
import { Act } from "@/components/wallet/act"
import { useMarket } from "@/hooks/market"
import type { ProviderRecord } from "@/hooks/use-provider"
import { useSend } from "@/hooks/use-send"
import { cardOf, faultyPrices, isSameRates, ratesOfTexts, textsOf, type PriceTexts } from "@/lib/provider"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** The prices for later claims; runs that are under way keep theirs. */
export function RatesCard({ provider }: { provider: ProviderRecord }) {
  const { config } = useMarket()
  const { send } = useSend()
  const [typed, setTyped] = useState<PriceTexts | null>(null)
  if (!provider.rates) return null
  const texts = typed ?? textsOf(provider.rates)
  const isFaulty = faultyPrices(texts).length > 0
  const same = isFaulty || isSameRates(ratesOfTexts(texts), provider.rates)
  return (
    <Card title={t.provider.rates}>
      <div className="space-y-3">
        <p className="text-soft text-sm">{t.provider.ratesWhy}</p>
        <PriceFields texts={texts} onChange={setTyped} />
        <Act
          label={t.provider.setRates}
          kind="plain"
          disabled={isFaulty || same}
          work={(tell) =>
            send(tell, {
              address: config.escrow,
              abi: escrowAbi,
              functionName: "setRates",
              args: [cardOf(ratesOfTexts(texts))],
            })
          }
          onDone={() => setTyped(null)}
        />
      </div>
    </Card>
  )
}
