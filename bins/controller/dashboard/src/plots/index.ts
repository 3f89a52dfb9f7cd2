// Lists all plots that screens are made of.
export { Bars, statusColour, type Bar, type BarsProps } from './Bars';
export { HeatMap, type HeatMapProps } from './HeatMap';
export { PercentilePlot, type Curve, type PercentilePlotProps } from './PercentilePlot';
export { PlotGroup } from './group';
export { ProfilePlot, type ProfilePlotProps, type ProfilePoint } from './ProfilePlot';
export { ScatterPlot, type ScatterPlotProps } from './ScatterPlot';
export { StackedPlot, type Layer, type StackedPlotProps } from './StackedPlot';
export { seriesColour, type Colour } from './theme';
export { TimePlot, type Line, type TimePlotProps } from './TimePlot';
export { Trend, type TrendPoint, type TrendProps } from './Trend';
