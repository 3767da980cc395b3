"use client"

import { useState } from "react"
import type { Address } from "viem"

import { CaseCard } from "@/components/juror/case-card"
import { FeesCard } from "@/components/juror/fees-card"
import { StakeCard } from "@/components/juror/stake-card"
import { Button } from "@/components/ui/button"
import { Stat } from "@/components/ui/card"
import { Notice } from "@/components/ui/notice"
import { Ready } from "@/components/wallet/act"
import { useChainTime } from "@/hooks/use-chain"
import { useCases, useCourt, type Court, type CourtFacts } from "@/hooks/use-court"
import { useWallet } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

const MORE = 20

/** What one's address has at stake in the court, and the cases it was drawn for. */
export function JurorPage() {
  const { address } = useWallet()
  const court = useCourt(address)
  return (
    <div className="space-y-5">
      <div>
        <h1 className="text-2xl font-bold">{t.juror.title}</h1>
        <p className="text-soft mt-1 max-w-2xl">{t.juror.intro}</p>
      </div>
      <Ready why={t.juror.needWallet} />
      {court.error && (
        <Notice tone="bad">
          {words(court.error)} {court.data && t.common.stale}
        </Notice>
      )}
      {address && court.isPending && <p className="text-soft">{t.common.loading}</p>}
      {address && court.data && <Known address={address} facts={court.data} />}
    </div>
  )
}

function Known({ address, facts }: { address: Address; facts: CourtFacts }) {
  const court = { ...facts, now: useChainTime(facts.headAt) }
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-3">
        <Stat name={t.juror.staked}>
          <span data-fact="staked">{tokens(court.staked)}</span>
        </Stat>
        <Stat name={t.juror.locked}>
          <span data-fact="locked">{tokens(court.locked)}</span>
        </Stat>
        <Stat name={t.juror.fees}>
          <span data-fact="fees">{tokens(court.fees)}</span> ETH
        </Stat>
      </div>
      <div className="grid gap-5 lg:grid-cols-2">
        <StakeCard court={court} />
        <FeesCard court={court} />
      </div>
      <Cases address={address} court={court} />
    </>
  )
}

function Cases({ address, court }: { address: Address; court: Court }) {
  const [most, setMost] = useState(MORE)
  const cases = useCases(address, court.count, most)
  const all = cases.data ?? []
  const mine = all.filter((one) => one.mine !== null || one.wasSeated)
  const others = all.filter((one) => !mine.includes(one) && one.stored !== "Executed")
  return (
    <>
      <section className="space-y-3">
        <h2 className="text-lg font-semibold">{t.juror.cases}</h2>
        {cases.error && <Notice tone="bad">{words(cases.error)}</Notice>}
        {cases.data && mine.length === 0 && <Notice>{t.juror.none}</Notice>}
        {mine.map((one) => (
          <CaseCard key={one.id} one={one} court={court} address={address} />
        ))}
      </section>
      {others.length > 0 && (
        <section className="space-y-3">
          <h2 className="text-lg font-semibold">{t.juror.others}</h2>
          <p className="text-soft max-w-2xl text-sm">{t.juror.othersWhy}</p>
          {others.map((one) => (
            <CaseCard key={one.id} one={one} court={court} address={address} />
          ))}
        </section>
      )}
      {court.count > most && <Button onClick={() => setMost(most + MORE)}>{t.juror.older}</Button>}
    </>
  )
}
