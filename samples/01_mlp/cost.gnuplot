# Plots losses and test accuracy over epochs: gnuplot -e "input='cost.csv'; output='cost.svg'" cost.gnuplot
set terminal svg size 720,420 background rgb 'white' font 'sans,13'
set output output
set datafile separator ','
set key autotitle columnhead
set xlabel 'epoch'
set ylabel 'loss J'
set y2label 'test accuracy'
set yrange [0:*]
set ytics nomirror
set y2tics format '%.1f%%'
set grid lc rgb '#dddddd'
set key center right
plot input using "epoch":"loss" with linespoints pt 7 ps 0.5 lw 2 lc rgb '#7570b3' title 'training loss', \
     input using "epoch":"validation_loss" with linespoints pt 7 ps 0.5 lw 2 lc rgb '#d95f02' title 'test loss', \
     input using "epoch":(column("validation_accuracy")*100) axes x1y2 with linespoints pt 7 ps 0.5 lw 2 lc rgb '#1b9e77' title 'test accuracy (right axis)'
