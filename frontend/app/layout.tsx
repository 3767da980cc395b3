import type { Metadata, Viewport } from "next"
import { headers } from "next/headers"
import { Fragment, type ReactNode } from "react"

import { Header } from "@/components/header"
import { Staleness } from "@/components/market-link"
import { SentBefore } from "@/components/sent-before"
import { Notice } from "@/components/ui/notice"
import { MarketProvider } from "@/hooks/market"
import { NewsProvider } from "@/hooks/news"
import { readConfig } from "@/lib/config"
import { t } from "@/texts/en"

import "./globals.css"

export const metadata: Metadata = { title: { default: t.name, template: `%s · ${t.name}` }, description: t.tagline }
export const viewport: Viewport = { width: "device-width", initialScale: 1, colorScheme: "light dark" }
export const dynamic = "force-dynamic" // settings are read when a page is asked for, and each has its own nonce

// Before anything is drawn, so that no page flashes in the other colours.
const THEME = `const t = localStorage.getItem("theme"); if (t === "light" || t === "dark") document.documentElement.dataset.theme = t`

/**
 * The page has a fragment of its own. Its error boundary's script may come late, and where an element waits for a child,
 * the React in Next 15 goes on hydrating at the wrong node (facebook/react#35494). A fragment has no node.
 */
export default async function Layout({ children }: { children: ReactNode }) {
  const config = readConfig(process.env)
  const nonce = (await headers()).get("x-nonce") ?? undefined
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <script nonce={nonce} suppressHydrationWarning>
          {THEME}
        </script>
      </head>
      <body>
        <a href="#content" className="bg-card sr-only z-10 p-2 focus:not-sr-only focus:absolute">
          {t.skip}
        </a>
        {Array.isArray(config) ? (
          <main className="mx-auto max-w-2xl space-y-3 p-6">
            <Notice tone="bad">
              {t.common.misconfigured}
              <ul className="list-disc pl-5">
                {config.map((fault) => (
                  <li key={fault}>{fault}</li>
                ))}
              </ul>
            </Notice>
          </main>
        ) : (
          <MarketProvider config={config}>
            <NewsProvider>
              <Header />
              <main id="content" className="mx-auto w-full max-w-7xl px-4 py-6 sm:px-6">
                <Staleness />
                <SentBefore />
                <Fragment key="page">{children}</Fragment>
              </main>
            </NewsProvider>
          </MarketProvider>
        )}
      </body>
    </html>
  )
}
