import { notFound } from "next/navigation"

import { DeploymentPage } from "@/components/deployment/deployment-page"
import { t } from "@/texts/en"

export const metadata = { title: t.deployment.title }

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  if (!/^0x[0-9a-f]{64}$/.test(id)) notFound()
  return <DeploymentPage jobId={id as `0x${string}`} />
}
