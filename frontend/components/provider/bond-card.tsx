"use client"

import { useState } from "react"

import { BondOf, CapacityFields } from "@/components/provider/capacity-fields"
import { Card } from "@/components/ui/card"
import { Act } from "@/components/wallet/act"
import type { ProviderRecord } from "@/hooks/use-provider"
import { useSend } from "@/hooks/use-send"
import { useContracts } from "@/hooks/use-wallet"
import { tokens } from "@/lib/money"
import { cardOf, unitsOf } from "@/lib/provider"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** More capacity, with its bond; the rates stay. */
export function BondCard({ provider }: { provider: ProviderRecord }) {
  const contracts = useContracts().data
  const { sendWithTokens } = useSend()
  const [capacity, setCapacity] = useState({ cores: "1", memoryMib: "1024" })
  const units = unitsOf(capacity.cores, capacity.memoryMib)
  const bond = BigInt(units ?? 0) * (contracts?.bondPerUnit ?? 0n)
  return (
    <Card title={t.provider.addBond}>
      <div className="space-y-3">
        <CapacityFields capacity={capacity} onChange={setCapacity} />
        <BondOf units={units} bond={t.provider.bond(tokens(bond))} />
        <Act
          label={t.provider.addBond}
          kind="plain"
          need={bond}
          disabled={!contracts || units === null || !provider.rates}
          work={async (tell) => {
            if (!contracts || units === null || !provider.rates) return
            await sendWithTokens(tell, bond, {
              address: contracts.escrow,
              abi: escrowAbi,
              functionName: "register",
              args: [units, cardOf(provider.rates)],
            })
          }}
        />
      </div>
    </Card>
  )
}
