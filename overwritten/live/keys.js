if (!window.owRuns) {
  window.owRuns = true;
  addEventListener('keydown', event => {
    const { key, target, shiftKey, ctrlKey, altKey, metaKey } = event;
    if (key !== 'Enter' || !(shiftKey || ctrlKey || altKey || metaKey)) return;
    const marked = target.closest('.jp-OutputArea [data-lm-suppress-shortcuts]');
    if (!marked) return;
    marked.removeAttribute('data-lm-suppress-shortcuts');
    setTimeout(() => { marked.setAttribute('data-lm-suppress-shortcuts', 'true'); });
  }, true);
}
