/** The two ends of the window's messages, and of the port between the page and the worker. */
export const PAGE = "draas-test-wallet:page"
export const CONTENT = "draas-test-wallet:content"
export const PORT = "page"
