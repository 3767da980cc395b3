"use client"

import dynamic from "next/dynamic"
import Link from "next/link"
import { useState } from "react"
import type { Address } from "viem"

import { CaseCalls } from "@/components/juror/case-calls"
import { CommitForm } from "@/components/juror/commit-form"
import { RevealForm } from "@/components/juror/reveal-form"
import { Badge } from "@/components/ui/badge"
import { Card, Fact, Facts } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import type { Court } from "@/hooks/use-court"
import { useDispute, type Dispute } from "@/hooks/use-dispute"
import { endOf, percent, phaseAt, shareOf, type Case, type Phase } from "@/lib/court"
import { at, duration, short } from "@/lib/format"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

// Read when somebody opens it.
const CaseEvidence = dynamic(() => import("@/components/juror/case-evidence").then((one) => one.CaseEvidence), {
  ssr: false,
})

interface Props {
  one: Case
  court: Court
  address: Address
}

/** One case: what it is about, the evidence, and what can be done now. */
export function CaseCard({ one, court, address }: Props) {
  const { now } = court
  const dispute = useDispute(one.id, one.arbitrable)
  const phase = phaseAt(one, now)
  const { mine } = one
  return (
    <Card title={t.juror.case(one.id)} actions={<Standing one={one} phase={phase} now={now} />}>
      <div className="space-y-4" data-case={one.id} data-phase={phase}>
        <CaseFacts one={one} dispute={dispute.data ?? null} />
        {dispute.data && <Evidence id={one.id} dispute={dispute.data} />}
        {mine && phase === "Committing" && (
          <CommitForm one={one} mine={mine} court={court} juror={address} frozen={dispute.data?.frozen ?? 0n} />
        )}
        {mine && phase === "Revealing" && <RevealForm one={one} mine={mine} court={court} juror={address} />}
        <CaseCalls one={one} phase={phase} court={court} dispute={dispute.data ?? null} address={address} now={now} />
      </div>
    </Card>
  )
}

function Standing({ one, phase, now }: { one: Case; phase: Phase; now: number }) {
  const end = endOf(one, phase)
  return (
    <span className="flex flex-wrap items-center gap-2 text-sm">
      {one.mine && <Badge tone="good">{t.juror.seated}</Badge>}
      <Badge tone={phase === "Executed" ? "calm" : "warn"}>{t.juror.phase[phase]}</Badge>
      {end > 0 && (
        <span className="text-soft">
          {at(end * 1000)}
          {end > now && ` (${t.provider.in(duration(end - now))})`}
        </span>
      )}
    </span>
  )
}

function CaseFacts({ one, dispute }: { one: Case; dispute: Dispute | null }) {
  const { round } = one
  const share = shareOf(one.ruling)
  const isRuled = one.ruling > 0 || one.stored === "Appealable" || one.stored === "Executed"
  return (
    <Facts>
      {dispute ? (
        <>
          <Fact name={t.juror.about}>
            <Link href={`/deployments/${dispute.jobId}`} className="text-brand underline underline-offset-2">
              {short(dispute.jobId)}
            </Link>
            , {t.deployment.run(dispute.attempt).toLowerCase()}
          </Fact>
          {dispute.isOpen && (
            <Fact name={t.juror.frozen}>
              <span className="tabular-nums">{tokens(dispute.frozen, 9)}</span> {t.common.tokens}
            </Fact>
          )}
          <Fact name={t.juror.consumer}>
            <CopyText text={dispute.consumer} />
          </Fact>
          <Fact name={t.deployment.provider}>
            <CopyText text={dispute.provider} />
          </Fact>
          <Fact name={t.juror.opener}>
            <CopyText text={dispute.opener} /> {at(dispute.openedAt * 1000)}
          </Fact>
        </>
      ) : (
        <Fact name={t.juror.arbitrable}>
          <CopyText text={one.arbitrable} />
        </Fact>
      )}
      {round.drawn > 0 && (
        <Fact name={t.juror.panel(one.number)}>{t.juror.votes(round.drawn, round.committed, round.revealed)}</Fact>
      )}
      {one.seats.some((seat) => seat.revealed) && (
        <Fact name={t.juror.shares}>
          {one.seats
            .filter((seat) => seat.revealed)
            .map((seat) => `${short(seat.juror)}: ${percent(seat.share)}`)
            .join(", ")}
        </Fact>
      )}
      {isRuled && (
        <Fact name={t.juror.ruling}>
          <strong data-fact="ruling">{share === null ? t.juror.refusedToRule : t.juror.gives(percent(share))}</strong>
        </Fact>
      )}
    </Facts>
  )
}

/** Read when somebody wants to see it. */
function Evidence({ id, dispute }: { id: number; dispute: Dispute }) {
  const [open, setOpen] = useState(false)
  return (
    <details className="border-line rounded-md border p-3" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="min-h-6 cursor-pointer text-sm font-semibold">{t.juror.evidence}</summary>
      {open && <CaseEvidence id={id} dispute={dispute} />}
    </details>
  )
}
