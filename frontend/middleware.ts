import { NextResponse, type NextRequest } from "next/server"

import { readConfig } from "@/lib/config"

/**
 * A content-security policy for each answer: scripts by nonce alone, and nobody to talk to but the market's own node
 * and scheduler (and the bundle gateway, which is the scheduler's to name, through it).
 */
export function middleware(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID())
  const policy = policyFor(nonce, process.env)
  const headers = new Headers(request.headers)
  headers.set("x-nonce", nonce)
  headers.set("Content-Security-Policy", policy)
  const response = NextResponse.next({ request: { headers } })
  response.headers.set("Content-Security-Policy", policy)
  response.headers.set("Referrer-Policy", "no-referrer")
  response.headers.set("X-Content-Type-Options", "nosniff")
  response.headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
  return response
}

function policyFor(nonce: string, environment: Readonly<Record<string, string | undefined>>): string {
  const config = readConfig(environment)
  const talksTo = Array.isArray(config) ? [] : [config.rpcUrl, config.schedulerUrl].map((url) => new URL(url).origin)
  const development = environment["NODE_ENV"] === "development"
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${talksTo.join(" ")}${development ? " ws:" : ""}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
  ].join("; ")
}

export const config = {
  runtime: "nodejs",
  matcher: [{ source: "/((?!_next/static/|favicon\\.ico$|icon\\.svg$).*)" }],
}
