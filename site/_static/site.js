// JupyterLab's mark for its theme, which the pictures follow, kept in step with this site's own.
const root = document.documentElement;
const follow = () => { document.body.dataset.jpThemeLight = root.dataset.theme !== 'dark'; };
new MutationObserver(follow).observe(root, { attributeFilter: ['data-theme'] });
follow();

// What settles a question is folded: its summary is named by its words; paper shows all of it.
const folds = document.querySelectorAll('details.hide');
for (const fold of folds) fold.querySelector('summary').removeAttribute('aria-label');
addEventListener('beforeprint', () => { for (const fold of folds) fold.open = true; });
