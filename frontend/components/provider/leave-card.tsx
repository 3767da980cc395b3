"use client"

import { useState } from "react"

import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { Dialog } from "@/components/ui/dialog"
import { Notice } from "@/components/ui/notice"
import { Act } from "@/components/wallet/act"
import { useMarket } from "@/hooks/market"
import { useChainTime } from "@/hooks/use-chain"
import type { ProviderRecord } from "@/hooks/use-provider"
import { useSend } from "@/hooks/use-send"
import { useContracts } from "@/hooks/use-wallet"
import { at, duration } from "@/lib/format"
import { tokens } from "@/lib/money"
import { cardOf } from "@/lib/provider"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** The way out: no more claims, then a time for disputes, then the bond. */
export function LeaveCard({ provider }: { provider: ProviderRecord }) {
  if (provider.bonded === 0 && provider.unbondAt === 0) {
    return (
      <Card title={t.provider.unbond}>
        <p className="text-soft text-sm">{t.provider.noBond}</p>
      </Card>
    )
  }
  return provider.unbondAt === 0 ? <Leave provider={provider} /> : <Leaving provider={provider} />
}

function Leave({ provider }: { provider: ProviderRecord }) {
  const { config } = useMarket()
  const { send } = useSend()
  const [asked, setAsked] = useState(false)
  const why = t.provider.leaveWhy(duration(provider.unbondTimeS))
  return (
    <Card title={t.provider.unbond}>
      <div className="space-y-3">
        <p className="text-soft text-sm">{why}</p>
        <Button kind="danger" onClick={() => setAsked(true)}>
          {t.provider.unbond}
        </Button>
      </div>
      <Dialog title={t.provider.unbond} open={asked} onClose={() => setAsked(false)}>
        <div className="space-y-3">
          <p className="text-sm">{why}</p>
          <Act
            label={t.provider.startUnbond}
            kind="danger"
            work={(tell) =>
              send(tell, { address: config.escrow, abi: escrowAbi, functionName: "startUnbond", args: [] })
            }
          />
        </div>
      </Dialog>
    </Card>
  )
}

function Leaving({ provider }: { provider: ProviderRecord }) {
  const { config } = useMarket()
  const bondPerUnit = useContracts().data?.bondPerUnit ?? 0n
  const { send } = useSend()
  const { unbondAt, reserved, rates, headAt } = provider
  const now = useChainTime(headAt)
  const left = Math.ceil(unbondAt - now)
  const due = left <= 0
  return (
    <Card title={t.provider.leaving}>
      <div className="space-y-3">
        <Notice tone={due && reserved === 0 ? "good" : "warn"}>
          {t.provider.leavesAt(at(unbondAt * 1000))}
          {!due && ` (${t.provider.in(duration(left))})`}
          {reserved > 0 && `; ${t.provider.stillReserved(reserved.toLocaleString("en-GB"))}`}
        </Notice>
        <p className="text-sm">{t.provider.bond(tokens(BigInt(provider.bonded) * bondPerUnit))}</p>
        <div className="flex flex-wrap gap-3">
          <Act
            label={t.provider.withdrawBond}
            disabled={!due || reserved > 0}
            work={(tell) =>
              send(tell, { address: config.escrow, abi: escrowAbi, functionName: "withdrawBond", args: [] })
            }
          />
          {rates && (
            <Act
              label={t.provider.stay}
              kind="plain"
              work={(tell) =>
                send(tell, {
                  address: config.escrow,
                  abi: escrowAbi,
                  functionName: "register",
                  args: [0, cardOf(rates)],
                })
              }
            />
          )}
        </div>
      </div>
    </Card>
  )
}
