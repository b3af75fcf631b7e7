// The front page without a network: what the page has kept is given where the network gives nothing.
// Files of the decoder carry their version in their address, so those kept need no network at all.
addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil(clients.claim()));
addEventListener('fetch', event => {
  const { method, url } = event.request;
  if (method === 'GET' && url.startsWith(registration.scope)) event.respondWith(given(event.request));
});

async function given(request) {
  const kept = await caches.match(request, { ignoreSearch: true });
  if (kept && request.url.includes('/_static/decoder-')) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
