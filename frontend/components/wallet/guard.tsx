"use client"

import { useState, type ReactNode } from "react"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Notice } from "@/components/ui/notice"
import { useMarket } from "@/hooks/market"
import { useSend } from "@/hooks/use-send"
import { useTransaction } from "@/hooks/use-transaction"
import { useBalances, useContracts, useWallet } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { atMost, tokens } from "@/lib/money"
import { tokenAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** What has to be so before the wallet can be asked: connected, on the right network, enough tokens. Each with its cure. */
export function Guard({ need = 0n, why, children }: { need?: bigint; why: string; children: ReactNode }) {
  const { address, isHere } = useWallet()
  const { hasFaucet } = useMarket()
  const balances = useBalances(address).data
  if (!address) return <Notice>{why}</Notice>
  if (!isHere) return <WrongNetwork />
  if (balances && balances.tokens < need) {
    return (
      <div className="space-y-3">
        <Notice tone="warn">{t.wallet.missing(atMost(need), tokens(balances.tokens))}</Notice>
        {hasFaucet && <Faucet />}
      </div>
    )
  }
  return children
}

function WrongNetwork() {
  const { config } = useMarket()
  const { switchHere } = useWallet()
  const [fault, setFault] = useState("")
  const go = () => {
    setFault("")
    switchHere().catch((error: unknown) => setFault(words(error)))
  }
  return (
    <div className="space-y-3">
      <Notice tone="warn">{t.wallet.wrongNetwork(config.chainId)}</Notice>
      <Button kind="main" onClick={go}>
        {t.wallet.switch}
      </Button>
      {fault && <Notice tone="bad">{fault}</Notice>}
    </div>
  )
}

export function Faucet() {
  const contracts = useContracts().data
  const { send } = useSend()
  const { stage, busy, run } = useTransaction()
  const ask = () =>
    run(async (tell) => {
      if (!contracts) return
      await send(tell, { address: contracts.token, abi: tokenAbi, functionName: "faucet", args: [] })
    })
  return (
    <div className="space-y-3">
      <Button onClick={() => void ask()} disabled={busy}>
        {t.wallet.faucet}
      </Button>
      {stage.at === "mined" ? <Notice tone="good">{t.wallet.faucetDone}</Notice> : <TxStage stage={stage} />}
    </div>
  )
}
