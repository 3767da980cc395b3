// In the page: MetaMask's provider, announced by EIP-6963 under a name of our own.
import { WindowPostMessageStream } from "@metamask/post-message-stream"
import { initializeProvider } from "@metamask/providers"

import { CONTENT, PAGE } from "./names.js"

const ICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="5" fill="#0b5fc2"/></svg>',
  )

initializeProvider({
  connectionStream: new WindowPostMessageStream({ name: PAGE, target: CONTENT }),
  providerInfo: { uuid: crypto.randomUUID(), name: "DRaaS test wallet", icon: ICON, rdns: "org.draas.testwallet" },
  shouldSendMetadata: false,
  shouldAnnounceCaip294: false,
})
