const button = document.createElement('button');
button.type = 'button';
button.textContent = 'Copy';
button.dataset.lmSuppressShortcuts = 'true';
button.onclick = () => navigator.clipboard.writeText(root.textContent)
  .then(() => { button.textContent = 'Copied'; });
root.before(button);
