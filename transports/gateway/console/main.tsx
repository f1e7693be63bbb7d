import './styles/tokens.css'
import './styles/elements.css'
import './styles/shell.css'
import './styles/parts.css'
import './styles/rows.css'
import './styles/over.css'
import { render } from 'preact'
import { Shell } from './shell/shell.tsx'

render(<Shell />, document.getElementById('console') as HTMLElement)
