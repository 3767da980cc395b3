"use client"

import type { Address } from "viem"

import { Card } from "@/components/ui/card"
import { Act } from "@/components/wallet/act"
import { useMarket } from "@/hooks/market"
import { useProvider } from "@/hooks/use-provider"
import { useSend } from "@/hooks/use-send"
import { tokens } from "@/lib/money"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** What the escrow holds for an address besides its jobs: its share of a ruling, a bond that came back. */
export function CreditCard({ address }: { address: Address }) {
  const { config } = useMarket()
  const { send } = useSend()
  const credit = useProvider(address).data?.credit ?? 0n
  if (credit === 0n) return null
  return (
    <Card title={t.usage.credit}>
      <div className="space-y-3">
        <p className="text-sm">
          <strong data-fact="credit" className="tabular-nums">
            {tokens(credit, 9)}
          </strong>{" "}
          {t.usage.creditWhy}
        </p>
        <Act
          label={t.provider.withdraw}
          work={(tell) => send(tell, { address: config.escrow, abi: escrowAbi, functionName: "withdraw", args: [[]] })}
        />
      </div>
    </Card>
  )
}
