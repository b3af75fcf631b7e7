// JupyterLab's mark for its theme, which the pictures follow, kept in step with this site's own.
const root = document.documentElement;
const follow = () => { document.body.dataset.jpThemeLight = root.dataset.theme !== 'dark'; };
new MutationObserver(follow).observe(root, { attributeFilter: ['data-theme'] });
follow();
