"use client"

import { useState } from "react"

import { BondOf, CapacityFields } from "@/components/provider/capacity-fields"
import { PriceFields } from "@/components/provider/price-fields"
import { Card } from "@/components/ui/card"
import { Act } from "@/components/wallet/act"
import { useSend } from "@/hooks/use-send"
import { useContracts } from "@/hooks/use-wallet"
import { tokens } from "@/lib/money"
import { cardOf, faultyPrices, ratesOfTexts, unitsOf, USUAL } from "@/lib/provider"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** For an address that is no provider yet: capacity with its bond, and prices. */
export function RegisterCard() {
  const contracts = useContracts().data
  const { sendWithTokens } = useSend()
  const [capacity, setCapacity] = useState({ cores: "1", memoryMib: "1024" })
  const [texts, setTexts] = useState(USUAL)
  const units = unitsOf(capacity.cores, capacity.memoryMib)
  const bond = BigInt(units ?? 0) * (contracts?.bondPerUnit ?? 0n)
  return (
    <Card title={t.provider.register}>
      <div className="max-w-2xl space-y-4">
        <p className="text-soft text-sm">{t.provider.notRegistered}</p>
        <h3 className="text-sm font-semibold">{t.provider.capacity}</h3>
        <CapacityFields capacity={capacity} onChange={setCapacity} />
        <BondOf units={units} bond={t.provider.bond(tokens(bond))} />
        <h3 className="text-sm font-semibold">{t.provider.rates}</h3>
        <PriceFields texts={texts} onChange={setTexts} />
        <ol className="text-soft list-decimal pl-5 text-sm">
          <li>{t.provider.steps.allow}</li>
          <li>{t.provider.steps.register}</li>
        </ol>
        <Act
          label={t.provider.register}
          need={bond}
          disabled={!contracts || units === null || faultyPrices(texts).length > 0}
          work={async (tell) => {
            if (!contracts || units === null) return
            await sendWithTokens(tell, bond, {
              address: contracts.escrow,
              abi: escrowAbi,
              functionName: "register",
              args: [units, cardOf(ratesOfTexts(texts))],
            })
          }}
        />
      </div>
    </Card>
  )
}
