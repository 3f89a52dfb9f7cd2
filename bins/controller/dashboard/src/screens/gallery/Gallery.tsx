// Shows every component in every state, so that people who build screens see what there is.
import { useState } from 'react';
import { ApiError } from '../../api/client';
import type { RunState, Verdict } from '../../api/types';
import {
  Button, Card, Cell, Checkbox, Chip, ConfirmButton, Copy, Dialog, Empty, Failed, Grid, Head, Input, LinkButton, Loading, Menu, Notice, Page, Progress, Says, SearchField, Segmented, Select, SlaChip, Sparkline, Stat, StateChip, Stats, Table, tell, TextArea, Two, VerdictChip, VirtualRows, rowStyle, type Sort,
} from '../../ui';
import Plots from '../../plots/Gallery';
import styles from './Gallery.module.css';

const STATES: RunState[] = ['QUEUED', 'PREPARING', 'STARTING', 'RUNNING', 'PAUSED', 'STOPPING', 'COMPLETED', 'ABORTED', 'FAILED'];
const VERDICTS: Verdict[] = ['VALID', 'DEGRADED', 'INVALID'];
const COURSE = [3, 5, 4, 8, 9, 7, null, null, 6, 8, 12, 11, 9];

export default function Gallery() {
  return (
    <Page title="Component gallery" says="Everything that screens are made of. DESIGN.md says when to take which.">
      <Grid><Colours /><Buttons /><Judgements /><Fields /><Figures /><Rows /><ManyRows /><States /><OnTop /></Grid>
      <Plots />
    </Page>
  );
}

function Colours() {
  const names = ['page', 'card', 'sunken', 'hover', 'chosen', 'line', 'line-strong', 'text', 'text-soft', 'text-faint', 'accent', 'good', 'warning', 'bad', 'neutral', ...Array.from({ length: 8 }, (_, place) => `series-${place + 1}`)];
  return <Card title="Colours"><ul className={styles.colours}>{names.map((name) => <li key={name}><span style={{ background: `var(--${name})` }} />{name}</li>)}</ul></Card>;
}

function Buttons() {
  return (
    <Card title="Buttons">
      <div className={styles.row}>
        <Button kind="primary" icon="play">Start</Button><Button icon="copy">Duplicate</Button><Button kind="quiet">Cancel</Button><Button kind="danger" icon="trash">Delete</Button>
      </div>
      <div className={styles.row}>
        <Button small>Small</Button><Button busy>Saving</Button><Button disabled>Not now</Button><Button kind="quiet" icon="search" aria-label="Search" /><LinkButton to="/gallery">A link</LinkButton><Copy text="copied" />
      </div>
    </Card>
  );
}

function Judgements() {
  return (
    <Card title="Judgements and states">
      <div className={styles.row}>{STATES.map((state) => <StateChip key={state} state={state} />)}</div>
      <div className={styles.row}>{VERDICTS.map((verdict) => <VerdictChip key={verdict} verdict={verdict} />)}<SlaChip passed /><SlaChip passed={false} violated={2} /><SlaChip passed={null} /><Chip>a tag</Chip></div>
      <div className={styles.row}><Says tone="good">It is well</Says><Says tone="warning">Only 62% of the planned rate is achieved</Says><Says tone="bad">An SLA rule is violated</Says><Says tone="neutral">Waits for workers</Says></div>
    </Card>
  );
}

function Fields() {
  const [view, setView] = useState<'form' | 'json'>('form');
  return (
    <Card title="Fields">
      <div className={styles.fields}>
        <Input label="Target URL" placeholder="https://shop.example/" hint="Where the requests go" />
        <Input label="Rate" defaultValue="-5" unit="/s" fault="is -5; give 0 to 1000000000" />
        <Select label="Profile" options={[['CONSTANT', 'Constant'], ['RAMP', 'Ramp']]} />
        <TextArea label="Body" placeholder="{}" />
        <Checkbox label="Start at once" hint="Else it is kept, and started by hand" defaultChecked />
        <SearchField label="Search names" value="" onSearch={() => undefined} />
        <Segmented label="View" value={view} options={[['form', 'Form'], ['json', 'JSON']]} onChange={setView} />
      </div>
    </Card>
  );
}

function Figures() {
  return (
    <Card title="Figures">
      <Stats><Stat name="Achieved rate" value="1,250/s" beside="of 1,250/s planned" /><Stat name="p99" value="48 ms" tone="warning" beside="limit 50 ms" /><Stat name="Errors" value="0.3%" tone="bad" /></Stats>
      <div className={styles.row}><Sparkline label="Rate" values={COURSE} /><Sparkline label="p99" values={COURSE} tone={2} /></div>
      <Sparkline wide label="Rate over time" values={COURSE} />
      <Progress part={0.4} label="4 min of 10 min" />
    </Card>
  );
}

function Rows() {
  const [sort, setSort] = useState<Sort>({ by: 'p99', down: true });
  return (
    <Card title="Rows" flush>
      <Table label="Requests" head={<><Head name="name" sort={sort} onSort={setSort}>Name</Head><Head name="p99" right sort={sort} onSort={setSort}>p99</Head></>}>
        <tr className={rowStyle}><Cell>checkout</Cell><Cell right>48 ms</Cell></tr>
        <tr className={rowStyle}><Cell title="A name of a hundred characters">{'a-name-of-a-hundred-characters-'.repeat(3)}</Cell><Cell right>4 ms</Cell></tr>
      </Table>
    </Card>
  );
}

const MANY = Array.from({ length: 12 }, (_, place) => `Run ${place + 1}`);

function ManyRows() {
  return (
    <Card title="Thousands of rows" says="Only those in sight are drawn. Columns keep their widths; on a narrow screen each row is a card." flush>
      <Table label="Many" fixed cards dense rows={MANY.length} head={<><Head>Run</Head><Head width={120}>State</Head><Head width={90} right room="some">p99</Head></>}>
        <VirtualRows items={MANY}>{(name, place) => <tr key={name} className={rowStyle} aria-rowindex={place}><Cell><Two below="https://shop.example/">{name}</Two></Cell><Cell><StateChip state="COMPLETED" /></Cell><Cell right room="some" label="p99">48 ms</Cell></tr>}</VirtualRows>
      </Table>
    </Card>
  );
}

function States() {
  return (
    <>
      <Card title="Loading"><Loading rows={3} /></Card>
      <Card title="Empty"><Empty icon="runs" title="No runs yet" actions={<Button kind="primary" icon="plus">New test</Button>}>A run is one execution of a scenario.</Empty></Card>
      <Card title="Failed"><Failed error={new ApiError(0, 'unreachable', 'The controller cannot be reached', 'Is it running?')} onRetry={() => undefined} /></Card>
      <Card title="Notices"><Notice>Of another version.</Notice><Notice tone="good">It is well.</Notice><Notice tone="warning">The connection was lost.</Notice><Notice tone="bad">The platform is halted.</Notice></Card>
    </>
  );
}

function OnTop() {
  const [open, setOpen] = useState(false);
  return (
    <Card title="On top">
      <div className={styles.row}>
        <Button onClick={() => setOpen(true)}>Dialog</Button>
        <ConfirmButton label="Delete" title="Delete the run?" says="Its figures are gone for good." sure="Delete" onSure={async () => tell('It is deleted')} />
        <Menu label="More" icon="more" choices={[{ label: 'Duplicate', onChoose: () => tell('Duplicated') }, { label: 'Delete', danger: true, onChoose: () => tell('This did not work: it still runs.', 'bad') }]} />
      </div>
      <Dialog title="A dialog" open={open} onClose={() => setOpen(false)} actions={<Button kind="primary" onClick={() => setOpen(false)}>Done</Button>}><Input label="Name" /></Dialog>
    </Card>
  );
}
