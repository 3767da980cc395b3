"use client"

import { Card, Fact, Facts } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import type { Deployment } from "@/lib/api"
import { at, cpus, duration, kib, mib } from "@/lib/format"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

export function Overview({ deployment }: { deployment: Deployment }) {
  const { resources } = deployment.terms
  const spent = BigInt(deployment.earned)
  const isOver = deployment.state === "Closed" // what a court moved is neither spent nor refunded
  const left = isOver ? 0n : BigInt(deployment.deposit) - spent - BigInt(deployment.refunded)
  return (
    <div className="space-y-5">
      <Card>
        <Facts>
          <Fact name={t.deployment.deposit}>
            {tokens(deployment.deposit)} {t.common.tokens}
          </Fact>
          <Fact name={t.deployment.spent}>
            <span data-fact="spent" className="tabular-nums">
              {tokens(spent, 9)}
            </span>{" "}
            {t.common.tokens}
          </Fact>
          <Fact name={t.deployment.left}>
            {tokens(left)} {t.common.tokens}
          </Fact>
          <Fact name={t.deployment.refunded}>
            <span data-fact="refunded">{tokens(deployment.refunded)}</span> {t.common.tokens}
          </Fact>
          <Fact name={t.deployment.reserved}>
            {cpus(resources.cpu_millis)} CPU, {mib(resources.memory_mib)}
            {resources.egress_kib_s ? `, ${kib(resources.egress_kib_s)}/s` : ""}
          </Fact>
          <Fact name={t.deployment.duration}>{duration(deployment.terms.duration)}</Fact>
          <Fact name={t.deployment.bundle}>
            <CopyText text={deployment.cid} />
          </Fact>
          {(deployment.endpoints ?? []).map((endpoint) => (
            <Fact key={endpoint.port} name={t.deployment.endpoints}>
              <a href={safeUrl(endpoint.url)} target="_blank" rel="noopener noreferrer">
                {endpoint.url}
              </a>
            </Fact>
          ))}
        </Facts>
      </Card>
      <Card title={t.deployment.runs}>
        {deployment.runs.length === 0 && <p className="text-soft text-sm">{t.deployment.noRuns}</p>}
        {deployment.runs.map((run) => (
          <div key={run.attempt} className="border-line border-t py-3 first-of-type:border-0">
            <h3 className="mb-2 text-sm font-semibold">{t.deployment.run(run.attempt)}</h3>
            <Facts>
              <Fact name={t.deployment.provider}>
                <CopyText text={run.provider} />
              </Fact>
              <Fact name={t.deployment.chosen}>{run.chosen_why}</Fact>
              <Fact name={t.deployment.runtime}>{run.runtime || "–"}</Fact>
              <Fact name={t.deployment.image}>
                <CopyText text={run.image} />
              </Fact>
              <Fact name={t.deployments.columns.spent}>
                {tokens(run.earned, 9)} {t.common.tokens}
              </Fact>
              <Fact name={t.deployment.cpuTime}>{(run.metered.cpu_ms / 1000).toFixed(1)} s</Fact>
              <Fact name={t.deployment.started}>{at(run.started_at * 1000)}</Fact>
              {run.exit_code != null && <Fact name={t.deployment.exitCode}>{run.exit_code}</Fact>}
              {run.result_cid && (
                <Fact name={t.deployment.tabs.results}>
                  <CopyText text={run.result_cid} />
                </Fact>
              )}
            </Facts>
          </div>
        ))}
      </Card>
    </div>
  )
}

/** A stranger's service may be called anything; a link leads to the web or nowhere. */
function safeUrl(url: string): string | undefined {
  return /^https?:\/\//.test(url) ? url : undefined
}
