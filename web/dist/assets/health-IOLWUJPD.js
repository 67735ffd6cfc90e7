import{a,b}from"./chunk-CUHPTNRM.js";import"./chunk-CVYFLNJL.js";import"./chunk-ZELD22OO.js";import"./chunk-B42HRTN4.js";import"./chunk-DGLGH364.js";export{a as Disk,b as Health};
