"use client"

import { useSearchParams } from "next/navigation"
import { Tabs } from "radix-ui"

import { Actions } from "@/components/deployment/actions"
import { LogView } from "@/components/deployment/log-view"
import { Overview } from "@/components/deployment/overview"
import { Timeline } from "@/components/deployment/timeline"
import { Badge } from "@/components/ui/badge"
import { Card } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { StateOf } from "@/components/ui/state-of"
import { SignedIn } from "@/components/wallet/sign-in"
import { useDeployment } from "@/hooks/use-deployment"
import { standing, toneOf } from "@/lib/job-state"
import { t } from "@/texts/en"

const TABS = [
  ["overview", t.deployment.tabs.overview],
  ["logs", t.deployment.tabs.logs],
] as const

export function DeploymentPage({ jobId }: { jobId: `0x${string}` }) {
  const sent = useSearchParams().get("tx")
  const { deployment, link } = useDeployment(jobId)
  if (!deployment) {
    return (
      <div className="space-y-3">
        <h1 className="text-2xl font-bold">{t.deployment.title}</h1>
        <CopyText text={jobId} />
        <Notice>
          {t.deployment.notYet} {sent && <CopyText text={sent} />}
        </Notice>
      </div>
    )
  }
  const log = <LogView jobId={jobId} />
  return (
    <div className="space-y-5">
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="text-2xl font-bold break-all">{deployment.name || t.deployment.title}</h1>
        <Badge tone={toneOf(deployment)}>{standing(deployment)}</Badge>
        <StateOf link={link} />
      </div>
      <CopyText text={jobId} />
      {deployment.why && (
        <Notice tone={toneOf(deployment) === "bad" ? "bad" : "calm"}>
          {t.deployment.why}: {deployment.why}
        </Notice>
      )}
      {Object.keys(deployment.degraded).length > 0 && (
        <Notice tone="warn">
          {t.deployment.degraded}{" "}
          {Object.entries(deployment.degraded)
            .map(([what, why]) => `${what}: ${why}`)
            .join("; ")}
        </Notice>
      )}
      <Actions deployment={deployment} />
      <Tabs.Root defaultValue="overview">
        <Tabs.List aria-label={t.deployment.title} className="border-line flex gap-1 border-b">
          {TABS.map(([value, name]) => (
            <Tabs.Trigger
              key={value}
              value={value}
              className="data-[state=active]:border-brand data-[state=active]:text-brand cursor-pointer border-b-2 border-transparent px-3 py-2 text-sm font-medium"
            >
              {name}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value="overview" className="grid gap-5 pt-4 lg:grid-cols-2">
          <Overview deployment={deployment} />
          <Card title={t.deployment.timeline}>
            <Timeline transactions={deployment.transactions} />
          </Card>
        </Tabs.Content>
        <Tabs.Content value="logs" className="pt-4">
          {deployment.logs_public ? log : <SignedIn>{log}</SignedIn>}
        </Tabs.Content>
      </Tabs.Root>
    </div>
  )
}
