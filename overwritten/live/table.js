const rows = [...root.querySelectorAll('tbody tr')].map(row => [row, row.textContent.toLowerCase()]);
const find = document.createElement('div');
const label = document.createElement('label');
const field = document.createElement('input');
const count = document.createElement('output');
find.className = 'find';
field.type = 'search';
field.dataset.lmSuppressShortcuts = 'true';
const show = () => {
  const words = field.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every(word => text.includes(word));
    shown += !row.hidden;
  }
  count.textContent = `${shown} of ${rows.length} rows`;
};
field.oninput = show;
label.append('search', field);
find.append(label, count);
root.insertBefore(find, root.querySelector('.scroll'));
show();
