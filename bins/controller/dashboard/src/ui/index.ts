// Lists all that screens are made of.
export { Button, LinkButton } from './Button';
export { Card, Stat, Stats } from './Card';
export { Chip, SlaChip, StateChip, VerdictChip, type Tone } from './Chip';
export { Copy } from './Copy';
export { ConfirmButton, Dialog } from './Dialog';
export { Checkbox, Input, Segmented, Select, TextArea } from './Field';
export * as format from './format';
export { Icon, type IconName } from './Icon';
export { Keys, useKey } from './Keys';
export { useKept } from './kept';
export { Menu, type Choice } from './Menu';
export { Grid, Page, Tabs, type Crumb } from './Page';
export { Sparkline } from './Sparkline';
export { Empty, Failed, Loading, Notice } from './States';
export { Cell, Head, Table, chosenRowStyle, coverStyle, rowStyle, type Sort } from './Table';
export { Toasts, tell, tellError } from './Toasts';
export { Toggles } from './Toggles';
export { Words } from './Words';
