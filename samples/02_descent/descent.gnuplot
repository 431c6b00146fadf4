# Plots the losses of three descents over epochs and time: gnuplot -e "input='descent.csv'; output='descent.svg'" descent.gnuplot
set terminal svg size 1000,420 background rgb 'white' font 'sans,13'
set output output
set datafile separator ','
set multiplot layout 1,2 title 'Three descents: the loss of the training samples'
set logscale x
set format x '%g'
set yrange [0:*]
set grid lc rgb '#dddddd'
set ylabel 'loss J'
curve(name, column) = sprintf("< awk -F, '$1==\"%s\" {print $%d \",\" $4}' '%s'", name, column, input)
do for [panel=1:2] {
  set xlabel (panel == 1 ? 'epochs' : 'seconds')
  set key right top
  plot curve('stochastic', panel + 1) using 1:2 with lines lc rgb '#d95f02' lw 1.5 title 'stochastic: one sample per step', \
       curve('mini-batch', panel + 1) using 1:2 with lines lc rgb '#1b9e77' lw 2 title 'mini-batch', \
       curve('full', panel + 1) using 1:2 with linespoints pt 7 ps 0.4 lc rgb '#7570b3' lw 2 title 'full: all samples per step'
}
unset multiplot
