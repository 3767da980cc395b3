"use client"

import type { Address } from "viem"

import { Card, Fact, Facts } from "@/components/ui/card"
import { Notice } from "@/components/ui/notice"
import { Act } from "@/components/wallet/act"
import { useMarket } from "@/hooks/market"
import { MOST_DUE, useEarnings } from "@/hooks/use-earnings"
import type { ProviderRecord } from "@/hooks/use-provider"
import { useSend } from "@/hooks/use-send"
import { useContracts } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { duration } from "@/lib/format"
import { tokens } from "@/lib/money"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** What is final and can be taken out now, in one transaction. */
export function EarningsCard({ address, provider }: { address: Address; provider: ProviderRecord }) {
  const { config } = useMarket()
  const earnings = useEarnings(address)
  const windowS = useContracts().data?.windowS
  const { send } = useSend()
  const found = earnings.data
  const ready = (found?.withdrawable ?? 0n) + provider.credit
  return (
    <Card title={t.provider.earnings}>
      <div className="space-y-3">
        <Facts>
          <Fact name={t.provider.withdrawable}>
            <strong data-fact="withdrawable" className="tabular-nums">
              {tokens(ready, 9)}
            </strong>{" "}
            {t.common.tokens}
          </Fact>
          <Fact name={t.provider.pending}>
            <span data-fact="pending" className="tabular-nums">
              {found ? tokens(found.pending, 9) : "…"}
            </span>
          </Fact>
          <Fact name={t.provider.earned}>
            <span className="tabular-nums">{tokens(provider.earned, 9)}</span>
          </Fact>
        </Facts>
        {windowS !== undefined && <p className="text-soft text-sm">{t.provider.finalAfter(duration(windowS))}</p>}
        {earnings.error && <Notice tone="bad">{words(earnings.error)}</Notice>}
        <Act
          label={t.provider.withdraw}
          disabled={!found || ready === 0n}
          work={(tell) =>
            send(tell, {
              address: config.escrow,
              abi: escrowAbi,
              functionName: "withdraw",
              args: [found?.refs ?? []],
            })
          }
        />
        {found && found.due >= MOST_DUE && <Notice tone="warn">{t.provider.cut(MOST_DUE)}</Notice>}
        {found && found.later > 0 && <Notice>{t.provider.later(found.later)}</Notice>}
      </div>
    </Card>
  )
}
